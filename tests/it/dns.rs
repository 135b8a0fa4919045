//! `dns` checks against name servers on real sockets: what they say, what they hold back, and what they lie about.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::time::Duration;

use gonogo::check::{Context, sample};
use gonogo::runbook::interpolate::Scope;
use gonogo::runbook::model::{Check, DnsExpect, DnsQuery, DnsType, Probe};
use gonogo::session::telemetry::Verdict;
use hickory_proto::op::{Message, MessageType, ResponseCode};
use hickory_proto::rr::rdata::{A, CNAME, TXT};
use hickory_proto::rr::{Name, RData, Record};

/// What a server makes of a question over UDP, packet by packet, and over TCP.
#[derive(Clone)]
struct Zone {
    udp: fn(&Message) -> Vec<Vec<u8>>,
    tcp: fn(&Message) -> Option<Vec<u8>>,
}

fn serve(zone: Zone) -> SocketAddr {
    let at = SocketAddr::from(([127, 0, 0, 1], crate::ports::unused()));
    let udp = UdpSocket::bind(at).expect("the port");
    let tcp = TcpListener::bind(at).expect("the same port");
    let over_udp = zone.clone();
    std::thread::spawn(move || {
        let mut buffer = [0; 512];
        while let Ok((length, from)) = udp.recv_from(&mut buffer) {
            let question = Message::from_vec(&buffer[..length]).expect("a question");
            for packet in (over_udp.udp)(&question) {
                udp.send_to(&packet, from).expect("sent");
            }
        }
    });
    std::thread::spawn(move || {
        for mut stream in tcp.incoming().flatten() {
            let mut length = [0; 2];
            stream.read_exact(&mut length).expect("framed");
            let mut bytes = vec![0; usize::from(u16::from_be_bytes(length))];
            stream.read_exact(&mut bytes).expect("whole");
            if let Some(answer) = (zone.tcp)(&Message::from_vec(&bytes).expect("a question")) {
                let length = u16::try_from(answer.len()).expect("short").to_be_bytes();
                stream.write_all(&[&length[..], &answer].concat()).expect("sent");
            } else {
                // Accepted, and never answered: until the other side leaves.
                let _ = stream.read(&mut [0; 1]);
            }
        }
    });
    at
}

fn answer(question: &Message, records: Vec<RData>) -> Message {
    let mut answer = question.clone();
    answer.metadata.message_type = MessageType::Response;
    let name = question.queries[0].name.clone();
    answer.add_answers(records.into_iter().map(|data| Record::from_rdata(name.clone(), 60, data)));
    answer
}

fn bytes(message: &Message) -> Vec<u8> {
    message.to_vec().expect("a message")
}

fn address(last: u8) -> RData {
    RData::A(A::new(192, 0, 2, last))
}

fn refusing(question: &Message, code: ResponseCode) -> Vec<Vec<u8>> {
    let mut answer = answer(question, Vec::new());
    answer.metadata.response_code = code;
    vec![bytes(&answer)]
}

fn truncated(question: &Message) -> Vec<Vec<u8>> {
    let mut part = answer(question, vec![address(1)]);
    part.metadata.truncation = true;
    vec![bytes(&part)]
}

fn silent(_: &Message) -> Option<Vec<u8>> {
    None
}

async fn look(server: SocketAddr, record: DnsType, values: &[&str]) -> (Verdict, String) {
    let values = values.iter().map(|value| (*value).into()).collect();
    let query = DnsQuery {
        name: "Relay.example.org".into(),
        record,
        server: Some(server.to_string().as_str().into()),
    };
    let check = Check {
        id: "points".into(),
        title: String::new(),
        applies: true,
        probe: Probe::Dns { query, expect: DnsExpect { values, ..DnsExpect::default() } },
        period: Duration::from_secs(10),
        timeout: Duration::from_secs(2),
        initial_delay: Duration::ZERO,
        failure_threshold: 3,
        success_threshold: 1,
        unit: None,
        advisory: false,
    };
    let sample = sample(&check, &Scope::default(), &Context::default()).await;
    (sample.point.verdict, sample.point.reason)
}

#[tokio::test]
async fn an_answer_is_held_against_what_is_expected() {
    let zone = Zone { udp: |q| vec![bytes(&answer(q, vec![address(2), address(1)]))], tcp: silent };
    let at = serve(zone);
    assert_eq!(look(at, DnsType::A, &[]).await, (Verdict::Pass, String::new()));
    assert_eq!(look(at, DnsType::A, &["192.0.2.1", "192.0.2.2"]).await, (Verdict::Pass, String::new()));
    let why = "192.0.2.1, 192.0.2.2 (expected: the answer is 192.0.2.1)".to_owned();
    assert_eq!(look(at, DnsType::A, &["192.0.2.1"]).await, (Verdict::Failed, why));
}

#[tokio::test]
async fn no_name_and_no_record_are_failures_and_no_answer_is_an_error() {
    let gone = serve(Zone { udp: |q| refusing(q, ResponseCode::NXDomain), tcp: silent });
    let (verdict, why) = look(gone, DnsType::A, &[]).await;
    assert_eq!(verdict, Verdict::Failed);
    assert!(why.starts_with("the name does not exist (NXDOMAIN)"), "{why}");
    let empty = serve(Zone { udp: |q| refusing(q, ResponseCode::NoError), tcp: silent });
    let (verdict, why) = look(empty, DnsType::Mx, &["10 mail.example"]).await;
    assert_eq!(verdict, Verdict::Failed);
    assert!(why.starts_with("the name has no MX record"), "{why}");
    for code in [ResponseCode::ServFail, ResponseCode::Refused] {
        let udp = if code == ResponseCode::Refused {
            |q: &Message| refusing(q, ResponseCode::Refused)
        } else {
            |q: &Message| refusing(q, ResponseCode::ServFail)
        };
        let at = serve(Zone { udp, tcp: silent });
        let (verdict, why) = look(at, DnsType::A, &[]).await;
        assert_eq!(verdict, Verdict::Error);
        assert!(why.starts_with(&format!("{at} answers ")), "{why}");
    }
    let mute = serve(Zone { udp: |_| Vec::new(), tcp: silent });
    let why = format!("{mute}: no answer within 2 s: over UDP");
    assert_eq!(look(mute, DnsType::A, &[]).await, (Verdict::Error, why));
    let closed = SocketAddr::from(([127, 0, 0, 1], crate::ports::unused()));
    let (verdict, why) = look(closed, DnsType::A, &[]).await;
    assert_eq!(verdict, Verdict::Error);
    assert!(why.contains("refused"), "{why}");
}

#[tokio::test]
async fn an_answer_that_did_not_fit_is_asked_for_over_tcp_and_its_part_proves_nothing() {
    let text = |q: &Message| {
        let long = "x".repeat(200);
        let texts = (0..9).map(|n| RData::TXT(TXT::new(vec![format!("{n}{long}")]))).collect();
        Some(bytes(&answer(q, texts)))
    };
    let whole = serve(Zone { udp: truncated, tcp: text });
    assert_eq!(look(whole, DnsType::Txt, &[]).await.0, Verdict::Pass);
    let never = serve(Zone { udp: truncated, tcp: silent });
    let (verdict, why) = look(never, DnsType::A, &[]).await;
    assert_eq!(verdict, Verdict::Error);
    assert!(why.ends_with("over TCP, since the answer did not fit"), "{why}");
}

#[tokio::test]
async fn what_does_not_answer_the_question_is_not_heard() {
    let lies = |q: &Message| {
        let mut guessed = answer(q, vec![address(66)]);
        guessed.metadata.id = q.metadata.id.wrapping_add(1);
        let mut other = answer(q, vec![address(66)]);
        other.queries[0].name = Name::from_ascii("other.example.org.").expect("a name");
        vec![
            b"rubbish".to_vec(),
            bytes(&guessed),
            bytes(&other),
            bytes(q),
            bytes(&answer(q, vec![address(1)])),
        ]
    };
    let at = serve(Zone { udp: lies, tcp: silent });
    assert_eq!(look(at, DnsType::A, &["192.0.2.1"]).await, (Verdict::Pass, String::new()));
    let loops = |q: &Message| vec![bytes(&answer(q, vec![RData::CNAME(CNAME(q.queries[0].name.clone()))]))];
    let at = serve(Zone { udp: loops, tcp: silent });
    assert_eq!(look(at, DnsType::A, &[]).await.0, Verdict::Failed);
}
