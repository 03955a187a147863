//! What can be asked of the proxy.

use std::str::FromStr;
use std::time::Duration;

/// What happens to whatever passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weather {
    /// What becomes of connections.
    pub arrivals: Arrivals,
    /// From the client to the server.
    pub up: Link,
    /// From the server to the client.
    pub down: Link,
    /// A connection is reset once so many bytes of answers have passed on it.
    pub answer_limit: Option<usize>,
}

/// What becomes of connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Arrivals {
    /// They are served.
    #[default]
    Pass,
    /// They are accepted, and nothing moves on any of them until this changes: a stopped process.
    Hang,
    /// Nothing listens.
    Refuse,
}

/// One direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// How much later everything arrives.
    pub delay: Duration,
    /// Bytes a second.
    pub rate: Option<u32>,
    /// Everything is lost in silence, the end of a stream too.
    pub drop: bool,
}

/// What a program asks for in one line: `cut`, `half-open`, or the whole weather from now on as words
/// (`pass`, `hang`, `refuse`, `up-drop`, `down-delay=2000` in milliseconds, `down-rate=8000` in bytes
/// a second, `answer-limit=100` in bytes).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Resets the connections that are open.
    Cut,
    /// Nothing moves ever again on the connections that are open, and neither end is told.
    HalfOpen,
    /// From now on.
    Weather(Weather),
}

/// A word that means nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownWord(pub String);

impl FromStr for Command {
    type Err = UnknownWord;

    fn from_str(line: &str) -> Result<Self, UnknownWord> {
        match line.trim() {
            "cut" => return Ok(Self::Cut),
            "half-open" => return Ok(Self::HalfOpen),
            _ => {}
        }
        let mut weather = Weather::default();
        for word in line.split_whitespace() {
            weather
                .take(word)
                .ok_or_else(|| UnknownWord(word.to_owned()))?;
        }
        Ok(Self::Weather(weather))
    }
}

impl Weather {
    fn take(&mut self, word: &str) -> Option<()> {
        let (name, figure) = match word.split_once('=') {
            Some((name, figure)) => (name, Some(figure.parse::<u32>().ok()?)),
            None => (word, None),
        };
        let (side, what) = match name.split_once('-') {
            Some(("up", what)) => (&mut self.up, what),
            Some(("down", what)) => (&mut self.down, what),
            _ => return self.whole(name, figure),
        };
        match (what, figure) {
            ("drop", None) => side.drop = true,
            ("delay", Some(millis)) => side.delay = Duration::from_millis(millis.into()),
            ("rate", Some(rate)) => side.rate = Some(rate.max(1)),
            _ => return None,
        }
        Some(())
    }

    fn whole(&mut self, name: &str, figure: Option<u32>) -> Option<()> {
        match (name, figure) {
            ("pass", None) => self.arrivals = Arrivals::Pass,
            ("hang", None) => self.arrivals = Arrivals::Hang,
            ("refuse", None) => self.arrivals = Arrivals::Refuse,
            ("answer-limit", Some(bytes)) => self.answer_limit = usize::try_from(bytes).ok(),
            _ => return None,
        }
        Some(())
    }
}
