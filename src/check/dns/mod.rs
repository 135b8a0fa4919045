//! `dns`: one question to a name server, and what it answered. Neither a cache nor `/etc/hosts` nor a search list stands
//! between: what is proven is what that server says now.

mod ask;
mod server;

use std::net::IpAddr;
use std::time::Duration;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{Name, RData, Record, RecordType};

use super::{Context, Observed, resolve, span};
use crate::proof::Proof;
use crate::runbook::interpolate::Scope;
use crate::runbook::model::{DnsExpect, DnsQuery, DnsType, Template};

pub(super) async fn observe(
    query: &DnsQuery,
    expect: &DnsExpect,
    scope: &Scope,
    ctx: &Context,
    timeout: Duration,
) -> Observed {
    match look(query, scope, ctx, timeout).await {
        Err(why) => Observed::error(why),
        Ok(found) => match judge(expect, &found, query.record, scope) {
            Ok(proofs) => Observed::proven(proofs, found.shown()),
            Err(why) => Observed::error(why),
        },
    }
}

/// What a server knows of a name: nothing at all, or these records.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    unknown: bool,
    /// As they are shown, sorted.
    values: Vec<String>,
    /// Seconds for which the last part of the answer to be forgotten is kept.
    ttl: u32,
}

impl Found {
    fn shown(&self) -> String {
        if self.values.is_empty() { "none".to_owned() } else { self.values.join(", ") }
    }
}

async fn look(query: &DnsQuery, scope: &Scope, ctx: &Context, timeout: Duration) -> Result<Found, String> {
    let text = resolve(scope, &query.name)?;
    let mut name = Name::from_utf8(&text).map_err(|e| format!("`{text}` is no name: {e}"))?;
    name.set_fqdn(true);
    let servers = server::named(query.server.as_ref(), scope, ctx, timeout).await?;
    let answer = ask::any(&servers, &name, record_type(query.record), timeout).await?;
    match answer.message.metadata.response_code {
        ResponseCode::NoError => Ok(found(&name, record_type(query.record), &answer.message.answers)),
        ResponseCode::NXDomain => Ok(Found { unknown: true, ..Found::default() }),
        refused => Err(format!("{} answers {refused} ({})", answer.server, u16::from(refused))),
    }
}

/// The records of the type that the name leads to, along its aliases; others have no business in the answer.
fn found(name: &Name, wanted: RecordType, answers: &[Record]) -> Found {
    let mut owner = name.clone();
    let mut found = Found::default();
    for _ in 0..=answers.len() {
        let own = || answers.iter().filter(|record| record.name == owner);
        for record in own().filter(|record| record.record_type() == wanted) {
            found.ttl = found.ttl.max(record.ttl);
            found.values.push(shown(&record.data));
        }
        let alias = own().find_map(|record| match &record.data {
            RData::CNAME(alias) if wanted != RecordType::CNAME => Some((alias.0.clone(), record.ttl)),
            _ => None,
        });
        let Some((alias, ttl)) = alias.filter(|_| found.values.is_empty()) else { break };
        found.ttl = found.ttl.max(ttl);
        owner = alias;
    }
    found.values.sort();
    found.values.dedup();
    found
}

/// A record's data as it is compared: names without their last dot and in small letters.
fn shown(data: &RData) -> String {
    let text = match data {
        RData::TXT(text) => return text.to_string(),
        other => other.to_string(),
    };
    normal(&text)
}

/// The same of what a runbook expects.
fn normal(text: &str) -> String {
    if let Ok(address) = text.parse::<IpAddr>() {
        return address.to_string();
    }
    let words: Vec<String> =
        text.split_whitespace().map(|word| word.strip_suffix('.').unwrap_or(word).to_lowercase()).collect();
    words.join(" ")
}

fn judge(expect: &DnsExpect, found: &Found, record: DnsType, scope: &Scope) -> Result<Vec<Proof>, String> {
    let seen = match (found.unknown, found.values.is_empty()) {
        (true, _) => "the name does not exist (NXDOMAIN)".to_owned(),
        (false, true) => format!("the name has no {record} record"),
        (false, false) => found.shown(),
    };
    let wanted = |values: &[Template]| -> Result<Vec<String>, String> {
        let mut wanted = Vec::new();
        for value in values {
            let value = resolve(scope, value)?;
            wanted.push(if record == DnsType::Txt { value } else { normal(&value) });
        }
        wanted.sort();
        wanted.dedup();
        Ok(wanted)
    };
    let mut proofs =
        vec![Proof::new(format!("a {record} record is there"), !found.values.is_empty(), seen.clone())];
    if !expect.values.is_empty() {
        let values = wanted(&expect.values)?;
        let expected = format!("the answer is {}", values.join(", "));
        proofs.push(Proof::new(expected, values == found.values, seen.clone()));
    }
    if !expect.includes.is_empty() {
        let values = wanted(&expect.includes)?;
        let met = values.iter().all(|value| found.values.contains(value));
        proofs.push(Proof::new(format!("the answer holds {}", values.join(", ")), met, seen));
    }
    if let Some(most) = expect.max_ttl {
        let is_kept = Duration::from_secs(u64::from(found.ttl));
        let expected = format!("it is kept at most {}", span(most));
        let met = !found.values.is_empty() && is_kept <= most;
        proofs.push(Proof::new(expected, met, format!("kept {}", span(is_kept))));
    }
    Ok(proofs)
}

fn record_type(record: DnsType) -> RecordType {
    match record {
        DnsType::A => RecordType::A,
        DnsType::Aaaa => RecordType::AAAA,
        DnsType::Caa => RecordType::CAA,
        DnsType::Cname => RecordType::CNAME,
        DnsType::Mx => RecordType::MX,
        DnsType::Ns => RecordType::NS,
        DnsType::Ptr => RecordType::PTR,
        DnsType::Soa => RecordType::SOA,
        DnsType::Srv => RecordType::SRV,
        DnsType::Txt => RecordType::TXT,
    }
}

#[cfg(test)]
mod tests {
    use hickory_proto::rr::rdata::{A, CNAME};

    use super::*;

    fn name(text: &str) -> Name {
        Name::from_ascii(text).expect("a name")
    }

    fn a(owner: &str, ttl: u32, last: u8) -> Record {
        Record::from_rdata(name(owner), ttl, RData::A(A::new(192, 0, 2, last)))
    }

    fn alias(owner: &str, ttl: u32, to: &str) -> Record {
        Record::from_rdata(name(owner), ttl, RData::CNAME(CNAME(name(to))))
    }

    #[test]
    fn records_are_followed_along_aliases_and_a_stranger_s_are_not_taken() {
        let answers = [
            alias("www.example.", 300, "Edge.example."),
            a("edge.example.", 20, 2),
            a("edge.example.", 20, 1),
            a("other.example.", 9, 9),
        ];
        let seen = found(&name("WWW.example."), RecordType::A, &answers);
        assert_eq!(
            seen,
            Found { unknown: false, values: vec!["192.0.2.1".into(), "192.0.2.2".into()], ttl: 300 }
        );
        let seen = found(&name("www.example."), RecordType::CNAME, &answers);
        assert_eq!((seen.values, seen.ttl), (vec!["edge.example".to_owned()], 300));
        let round = [alias("a.example.", 1, "b.example."), alias("b.example.", 1, "a.example.")];
        assert!(found(&name("a.example."), RecordType::A, &round).values.is_empty(), "a circle ends");
    }

    #[test]
    fn an_answer_is_what_is_expected_in_any_order_and_nothing_less() {
        let seen = Found { unknown: false, values: vec!["192.0.2.1".into(), "192.0.2.2".into()], ttl: 60 };
        let met = |values: &[&str], includes: &[&str], ttl: Option<u64>, found: &Found| {
            let texts = |texts: &[&str]| texts.iter().map(|text| Template::from(*text)).collect();
            let max_ttl = ttl.map(Duration::from_secs);
            let expect = DnsExpect { values: texts(values), includes: texts(includes), max_ttl };
            let proofs = judge(&expect, found, DnsType::A, &Scope::default()).expect("judged");
            proofs.iter().all(|proof| proof.met)
        };
        for (values, includes, ttl, expected) in [
            (&[][..], &[][..], None, true),
            (&["192.0.2.2", "192.0.2.1"], &[], None, true),
            (&["192.0.2.1"], &[], None, false),
            (&["192.0.2.1", "192.0.2.2", "192.0.2.3"], &[], None, false),
            (&[], &["192.0.2.2"], Some(60), true),
            (&[], &["192.0.2.3"], None, false),
            (&[], &[], Some(59), false),
        ] {
            assert_eq!(met(values, includes, ttl, &seen), expected, "{values:?} {includes:?} {ttl:?}");
            assert!(!met(values, includes, ttl, &Found::default()), "no record is never green");
        }
        assert_eq!(normal("10 Mail.Example."), "10 mail.example");
        assert_eq!(normal("2001:DB8:0::1"), "2001:db8::1");
    }
}
