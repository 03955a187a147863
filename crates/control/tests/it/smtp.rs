//! A server that takes e-mails, or misbehaves as it is told to.

use std::sync::{Arc, Mutex};

use aeolus_control::{EmailConfig, SmtpServer, SmtpTrust};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What it does to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Takes,
    /// Takes the connection and never says a word.
    Hangs,
    /// Says this to `RCPT`.
    Says(&'static str),
    /// Ends the connection in the middle of the message.
    BreaksOff,
    /// Takes the message whole and ends the connection without saying so.
    TakesSilently,
}

/// A message as it came.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    pub(crate) to: String,
    pub(crate) text: String,
}

impl Letter {
    /// A header's value.
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        let (head, _) = self.text.split_once("\r\n\r\n").unwrap();
        let mut found = head.lines().filter_map(|line| {
            let (other, value) = line.split_once(": ")?;
            other.eq_ignore_ascii_case(name).then_some(value)
        });
        let value = found.next().unwrap_or_else(|| panic!("no {name}: {head}"));
        assert_eq!(found.next(), None, "{name} twice");
        value
    }

    /// What it says, decoded from quoted-printable where that is how it came.
    pub(crate) fn body(&self) -> String {
        let (_, body) = self.text.split_once("\r\n\r\n").unwrap();
        let quoted = self.text.contains("quoted-printable");
        let body = body.replace("\r\n", "\n");
        if !quoted {
            return body;
        }
        let joined = body.replace("=\n", "");
        let mut bytes = Vec::new();
        let mut rest = joined.as_bytes();
        while let Some((first, after)) = rest.split_first() {
            let hex = after.get(..2).filter(|_| *first == b'=');
            let hex = hex.and_then(|hex| std::str::from_utf8(hex).ok());
            let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
            bytes.push(byte.unwrap_or(*first));
            rest = if byte.is_some() { &after[2..] } else { after };
        }
        String::from_utf8(bytes).unwrap()
    }
}

#[derive(Clone)]
pub(crate) struct Smtp {
    pub(crate) port: u16,
    mood: Arc<Mutex<Mood>>,
    got: Arc<Mutex<Vec<Letter>>>,
    asked: Arc<Mutex<u32>>,
}

impl Smtp {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            mood: Arc::new(Mutex::new(Mood::Takes)),
            got: Arc::default(),
            asked: Arc::default(),
        };
        let serving = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = serving.clone();
                tokio::spawn(async move { server.talk(stream).await });
            }
        });
        server
    }

    /// How control reaches it.
    pub(crate) fn config(&self) -> EmailConfig {
        EmailConfig {
            server: SmtpServer {
                host: "127.0.0.1".to_owned(),
                port: Some(self.port),
                ..SmtpServer::default()
            },
            start_tls: None,
            trust: SmtpTrust::System,
            from: "Aeolus <aeolus@example.com>".parse().unwrap(),
            reply_to: Some("help@example.com".parse().unwrap()),
        }
    }

    pub(crate) fn be(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// What it took, or could have.
    pub(crate) fn letters(&self) -> Vec<Letter> {
        self.got.lock().unwrap().clone()
    }

    /// How many connections there were.
    pub(crate) fn asked(&self) -> u32 {
        *self.asked.lock().unwrap()
    }

    async fn talk(&self, stream: TcpStream) -> Option<()> {
        *self.asked.lock().unwrap() += 1;
        let mood = *self.mood.lock().unwrap();
        let mut stream = BufReader::new(stream);
        if mood == Mood::Hangs {
            let mut line = String::new();
            // Until the other side has had enough.
            while stream.read_line(&mut line).await.ok()? > 0 {}
            return None;
        }
        say(&mut stream, "220 mail.test").await?;
        let mut to = String::new();
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.ok()? == 0 {
                return None;
            }
            let line = line.trim_end();
            if let Some(recipient) = line.strip_prefix("RCPT TO:<") {
                if let Mood::Says(what) = mood {
                    say(&mut stream, what).await?;
                    continue;
                }
                to = recipient.split('>').next().unwrap().to_owned();
            }
            match line {
                "DATA" => {
                    say(&mut stream, "354 go on").await?;
                    let text = data(&mut stream, mood).await?;
                    self.got.lock().unwrap().push(Letter {
                        to: to.clone(),
                        text,
                    });
                    if mood == Mood::TakesSilently {
                        return None;
                    }
                    say(&mut stream, "250 taken").await?;
                }
                "QUIT" => {
                    say(&mut stream, "221 bye").await?;
                    return None;
                }
                _ => say(&mut stream, "250 ok").await?,
            }
        }
    }
}

async fn say(stream: &mut BufReader<TcpStream>, what: &str) -> Option<()> {
    let line = format!("{what}\r\n");
    stream.write_all(line.as_bytes()).await.ok()
}

async fn data(stream: &mut BufReader<TcpStream>, mood: Mood) -> Option<String> {
    let mut text = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 || mood == Mood::BreaksOff {
            return None;
        }
        if line == ".\r\n" {
            return Some(text);
        }
        // RFC 5321 §4.5.2.
        text.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}
