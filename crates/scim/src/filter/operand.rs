//! What an attribute is compared with, by the attribute's type.

use std::cmp::Ordering;
use std::fmt;

use serde_json::{Number, Value};

use super::lex::Token;
use super::{Operator, invalid};
use crate::error::{Error, shown};
use crate::instant::Instant;
use crate::schema::{Attribute, Kind};
use crate::text::fold;
use crate::value::boolean;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Operand {
    /// `pr` has none.
    Nothing,
    Null,
    /// As sent, and as it is compared: the same where case matters.
    Text {
        sent: String,
        key: String,
    },
    Flag(bool),
    Number(Number),
    Moment {
        sent: String,
        at: Instant,
    },
}

impl Operand {
    pub(super) fn read(
        attribute: &Attribute,
        operator: Operator,
        token: Option<Token<'_>>,
    ) -> Result<Self, Error> {
        let name = attribute.name;
        let operand = match token {
            Some(Token::Text(sent)) => Self::from_text(attribute, sent)?,
            Some(Token::Word(word)) => Self::from_word(attribute, word)?,
            _ => {
                return Err(invalid(format!(
                    "The value that \"{name}\" is compared with is missing."
                )));
            }
        };
        if operand.allows(operator) {
            return Ok(operand);
        }
        Err(invalid(format!(
            "\"{name}\" is of type {}: it can't be compared by \"{}\" with this.",
            attribute.kind.name(),
            operator.name()
        )))
    }

    fn from_text(attribute: &Attribute, sent: String) -> Result<Self, Error> {
        match attribute.kind {
            Kind::String | Kind::Reference | Kind::Binary => {
                let key = if attribute.case_exact {
                    sent.clone()
                } else {
                    fold(&sent)
                };
                Ok(Self::Text { sent, key })
            }
            Kind::Boolean => boolean(&sent)
                .map(Self::Flag)
                .ok_or_else(|| mismatch(attribute)),
            Kind::DateTime => match Instant::parse(&sent) {
                Some(at) => Ok(Self::Moment { sent, at }),
                None => Err(invalid(format!(
                    "\"{}\" is compared with a moment such as \"2026-11-30T12:00:00Z\".",
                    attribute.name
                ))),
            },
            Kind::Decimal | Kind::Integer | Kind::Complex => Err(mismatch(attribute)),
        }
    }

    fn from_word(attribute: &Attribute, word: &str) -> Result<Self, Error> {
        if word.eq_ignore_ascii_case("null") {
            return Ok(Self::Null);
        }
        if let Some(flag) = boolean(word) {
            return match attribute.kind {
                Kind::Boolean => Ok(Self::Flag(flag)),
                _ => Err(mismatch(attribute)),
            };
        }
        match serde_json::from_str::<Number>(word) {
            Ok(number) if matches!(attribute.kind, Kind::Decimal | Kind::Integer) => {
                Ok(Self::Number(number))
            }
            Ok(_) => Err(mismatch(attribute)),
            Err(_) => Err(invalid(format!(
                "\"{}\" is no value: a text is written in quotation marks.",
                shown(word)
            ))),
        }
    }

    /// The value that is equal to it.
    pub(super) fn to_value(&self) -> Option<Value> {
        match self {
            Self::Text { sent, .. } | Self::Moment { sent, .. } => Some(sent.as_str().into()),
            Self::Flag(flag) => Some((*flag).into()),
            Self::Number(number) => Some(number.clone().into()),
            Self::Nothing | Self::Null => None,
        }
    }

    fn allows(&self, operator: Operator) -> bool {
        match operator {
            Operator::Equal | Operator::NotEqual => true,
            Operator::Contains | Operator::StartsWith | Operator::EndsWith => {
                matches!(self, Self::Text { .. })
            }
            Operator::Present => matches!(self, Self::Nothing),
            Operator::Greater
            | Operator::GreaterOrEqual
            | Operator::Less
            | Operator::LessOrEqual => {
                matches!(
                    self,
                    Self::Text { .. } | Self::Number(_) | Self::Moment { .. }
                )
            }
        }
    }

    /// Whether a value that is there satisfies the comparison.
    pub(super) fn holds(&self, operator: Operator, attribute: &Attribute, value: &Value) -> bool {
        let order = || self.order(attribute, value);
        match operator {
            Operator::Equal => order() == Some(Ordering::Equal),
            Operator::NotEqual => order() != Some(Ordering::Equal),
            Operator::Greater => order() == Some(Ordering::Greater),
            Operator::GreaterOrEqual => order().is_some_and(Ordering::is_ge),
            Operator::Less => order() == Some(Ordering::Less),
            Operator::LessOrEqual => order().is_some_and(Ordering::is_le),
            Operator::Present => true,
            Operator::Contains => self.is_part_of(attribute, value, |text, key| text.contains(key)),
            Operator::StartsWith => {
                self.is_part_of(attribute, value, |text, key| text.starts_with(key))
            }
            Operator::EndsWith => {
                self.is_part_of(attribute, value, |text, key| text.ends_with(key))
            }
        }
    }

    fn is_part_of(
        &self,
        attribute: &Attribute,
        value: &Value,
        is_part: impl Fn(&str, &str) -> bool,
    ) -> bool {
        match (self, value) {
            (Self::Text { key, .. }, Value::String(text)) => {
                is_part(&comparable(attribute, text), key)
            }
            _ => false,
        }
    }

    /// How a value is ordered to this; none where they can't be compared.
    fn order(&self, attribute: &Attribute, value: &Value) -> Option<Ordering> {
        match (self, value) {
            (Self::Text { key, .. }, Value::String(text)) => {
                Some(comparable(attribute, text).as_str().cmp(key))
            }
            (Self::Flag(flag), Value::Bool(value)) => Some(value.cmp(flag)),
            (Self::Number(number), Value::Number(value)) => {
                value.as_f64()?.partial_cmp(&number.as_f64()?)
            }
            (Self::Moment { at, .. }, Value::String(text)) => Some(Instant::parse(text)?.cmp(at)),
            _ => None,
        }
    }
}

fn comparable(attribute: &Attribute, text: &str) -> String {
    if attribute.case_exact {
        text.to_owned()
    } else {
        fold(text)
    }
}

fn mismatch(attribute: &Attribute) -> Error {
    invalid(format!(
        "\"{}\" is compared with values of type {}.",
        attribute.name,
        attribute.kind.name()
    ))
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => Ok(()),
            Self::Null => f.write_str("null"),
            Self::Text { sent, .. } | Self::Moment { sent, .. } => {
                write!(f, "{}", Value::from(sent.as_str()))
            }
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Number(number) => write!(f, "{number}"),
        }
    }
}
