//! One question over UDP, and over TCP where the answer did not fit. What does not answer the question is not heard.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use hickory_proto::op::{Message, MessageType, Query};
use hickory_proto::rr::{Name, RecordType};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::{Instant, timeout_at};

use crate::check::span;

/// An answer, and who gave it.
#[derive(Debug)]
pub(super) struct Answer {
    pub server: SocketAddr,
    pub message: Message,
}

/// Asks the servers one after the other until one answers; each gets its share of the time that is left.
///
/// # Errors
/// A sentence: how far it came with the last one.
pub(super) async fn any(
    servers: &[SocketAddr],
    name: &Name,
    record: RecordType,
    timeout: Duration,
) -> Result<Answer, String> {
    let deadline = Instant::now() + timeout;
    let mut last = "no server was asked".to_owned();
    for (at, server) in servers.iter().enumerate() {
        let left = u32::try_from(servers.len() - at).unwrap_or(u32::MAX);
        // The first one's is told as it is written, not what the clock has left of it.
        let time = if at == 0 { timeout } else { deadline.saturating_duration_since(Instant::now()) };
        let share = time / left;
        match one(*server, name, record, share).await {
            Ok(message) => return Ok(Answer { server: *server, message }),
            Err(why) => last = format!("{server}: {why}"),
        }
    }
    Err(last)
}

async fn one(server: SocketAddr, name: &Name, record: RecordType, time: Duration) -> Result<Message, String> {
    let deadline = Instant::now() + time;
    let late = |doing: &str| format!("no answer within {}: {doing}", span(time));
    let mut question = Message::query();
    question.add_query(Query::query(name.clone(), record));
    question.metadata.recursion_desired = true;
    let bytes = question.to_vec().map_err(|e| format!("the question cannot be asked: {e}"))?;
    let over_udp = timeout_at(deadline, udp(server, &question, &bytes)).await;
    let answer = over_udp.map_err(|_| late("over UDP"))?.map_err(|e| format!("over UDP: {e}"))?;
    if !answer.metadata.truncation {
        return Ok(answer);
    }
    let over_tcp = timeout_at(deadline, tcp(server, &question, &bytes)).await;
    over_tcp
        .map_err(|_| late("over TCP, since the answer did not fit"))?
        .map_err(|e| format!("over TCP: {e}"))
}

async fn udp(server: SocketAddr, question: &Message, bytes: &[u8]) -> Result<Message, String> {
    let own = if server.is_ipv4() {
        SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0))
    } else {
        (Ipv6Addr::UNSPECIFIED, 0).into()
    };
    let socket = UdpSocket::bind(own).await.map_err(|e| e.to_string())?;
    // Only what comes from there is received, and a port that is closed is told.
    socket.connect(server).await.map_err(|e| e.to_string())?;
    socket.send(bytes).await.map_err(|e| e.to_string())?;
    let mut buffer = vec![0; usize::from(u16::MAX)];
    loop {
        let length = socket.recv(&mut buffer).await.map_err(|e| e.to_string())?;
        // What was not asked may be somebody's guess at an answer: the true one may still come.
        if let Ok(answer) = Message::from_vec(&buffer[..length])
            && answers(&answer, question)
        {
            return Ok(answer);
        }
    }
}

async fn tcp(server: SocketAddr, question: &Message, bytes: &[u8]) -> Result<Message, String> {
    let mut stream = TcpStream::connect(server).await.map_err(|e| e.to_string())?;
    let length = u16::try_from(bytes.len()).map_err(|_| "the question is too long".to_owned())?;
    let mut framed = length.to_be_bytes().to_vec();
    framed.extend_from_slice(bytes);
    stream.write_all(&framed).await.map_err(|e| e.to_string())?;
    let length = stream.read_u16().await.map_err(|e| e.to_string())?;
    let mut buffer = vec![0; usize::from(length)];
    stream.read_exact(&mut buffer).await.map_err(|e| e.to_string())?;
    let answer = Message::from_vec(&buffer).map_err(|e| format!("the answer cannot be read: {e}"))?;
    if answers(&answer, question) { Ok(answer) } else { Err("the answer is to another question".to_owned()) }
}

fn answers(answer: &Message, question: &Message) -> bool {
    answer.metadata.message_type == MessageType::Response
        && answer.metadata.id == question.metadata.id
        && answer.queries == question.queries
}
