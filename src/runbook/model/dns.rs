//! `dns` checks: what is asked, and what the answer must be.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::Template;

/// A question to a name server.
#[derive(Debug, Clone, PartialEq)]
pub struct DnsQuery {
    pub name: Template,
    pub record: DnsType,
    /// `None`: those of this host.
    pub server: Option<Template>,
}

/// What the answer must be; at least one record in any case.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DnsExpect {
    /// Exactly these; empty where that is not asked.
    pub values: Vec<Template>,
    pub includes: Vec<Template>,
    pub max_ttl: Option<Duration>,
}

/// The types of records that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schemars(inline)]
pub enum DnsType {
    #[default]
    A,
    Aaaa,
    Caa,
    Cname,
    Mx,
    Ns,
    Ptr,
    Soa,
    Srv,
    Txt,
}

impl fmt::Display for DnsType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::A => "A",
            Self::Aaaa => "AAAA",
            Self::Caa => "CAA",
            Self::Cname => "CNAME",
            Self::Mx => "MX",
            Self::Ns => "NS",
            Self::Ptr => "PTR",
            Self::Soa => "SOA",
            Self::Srv => "SRV",
            Self::Txt => "TXT",
        })
    }
}
