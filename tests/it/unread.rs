//! What a command wrote and cannot be read proves nothing: neither what is in it nor what is not.

use std::fs;

use crate::adopt::Stage;

/// The sentence for a step that has ended, whose files are then made into something else.
async fn judged(step: &str, spoil: impl Fn(&Stage)) -> (bool, String) {
    let stage = Stage::new(step);
    stage.left_by_an_engine("it has ended", || stage.dir().join("exit.json").exists()).await;
    spoil(&stage);
    let finish = stage.finished().await;
    (finish.passed, finish.why)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_that_is_gone_or_is_not_what_the_shim_told_of_proves_no_absence() {
    for expect in ["not_matches = [\"ERROR\"]", "count = { pattern = \"ERROR\", max = 0 }"] {
        let step = format!("run = \"echo fine\"\nexpect = {{ {expect} }}");
        assert!(judged(&step, |_| ()).await.0, "{expect}");
        let (passed, why) =
            judged(&step, |s| fs::remove_file(s.dir().join("output.log")).expect("gone")).await;
        assert!(!passed && why.contains("cannot be read"), "{expect}: {why}");
        for other in ["fin", "FINE\n"] {
            let (passed, why) =
                judged(&step, |s| fs::write(s.dir().join("output.log"), other).expect("written")).await;
            assert!(!passed && why.contains("cannot be read"), "{expect}: {why}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_alone_is_judged_only_where_it_is_known_which_stream_wrote_what() {
    let step = "run = \"echo ERROR >&2\"\nexpect.stderr.not_matches = [\"ERROR\"]";
    for index in ["", "1 3 o\n", "1 0 o\nx\n", "1 0 o\n1 99 e\n", "1 0 o"] {
        let (passed, why) =
            judged(step, |s| fs::write(s.dir().join("output.idx"), index).expect("written")).await;
        assert!(!passed && why.contains("cannot be read"), "{index:?}: {why}");
    }
    let both = "run = \"echo fine\"\nexpect.not_matches = [\"ERROR\"]";
    let (passed, why) = judged(both, |s| fs::remove_file(s.dir().join("output.idx")).expect("gone")).await;
    assert!(passed, "{why}");
}
