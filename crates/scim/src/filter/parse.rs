//! From words to postfix order by an operator stack: `not` binds before `and`, `and` before `or`.

use super::lex::{Lexer, Token};
use super::operand::Operand;
use super::{Filter, Node, Operator, Test, Within, invalid};
use crate::error::{Error, shown};
use crate::limits::Limits;
use crate::schema::{Kind, NameError, ResourceType, Target};

pub(crate) struct Parser<'a> {
    kind: &'static ResourceType,
    words: Lexer<'a>,
    limits: &'a Limits,
    depth: usize,
    terms: usize,
}

/// What waits on the stack for its right side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waiting {
    Parenthesis,
    Not,
    And,
    Or,
}

/// One expression on its way: the whole filter, or what is between brackets.
#[derive(Default)]
struct Expression {
    done: Vec<Node>,
    waiting: Vec<Waiting>,
}

impl<'a> Parser<'a> {
    pub(crate) fn new(kind: &'static ResourceType, words: Lexer<'a>, limits: &'a Limits) -> Self {
        Self {
            kind,
            words,
            limits,
            depth: 0,
            terms: 0,
        }
    }

    /// All of the text.
    pub(super) fn whole(mut self) -> Result<Filter, Error> {
        let mut expression = Expression::default();
        loop {
            self.operand(&mut expression, None)?;
            match self.after(&mut expression)? {
                After::Operator => {}
                After::End => return expression.finish(),
                After::ListEnd => return Err(invalid("The filter has a \"]\" too many.")),
            }
        }
    }

    /// What is between brackets, up to and with the closing one; and what follows it.
    pub(crate) fn within(mut self, list: Target) -> Result<(Filter, &'a str), Error> {
        let filter = self.inner(list)?;
        Ok((filter, self.words.rest()))
    }

    fn inner(&mut self, list: Target) -> Result<Filter, Error> {
        self.deeper()?;
        let mut expression = Expression::default();
        loop {
            self.operand(&mut expression, Some(list))?;
            match self.after(&mut expression)? {
                After::Operator => {}
                After::ListEnd => break,
                After::End => return Err(invalid("The filter lacks a \"]\".")),
            }
        }
        self.depth -= 1;
        expression.finish()
    }

    /// Reads parentheses and negations that open, and one comparison.
    fn operand(&mut self, into: &mut Expression, list: Option<Target>) -> Result<(), Error> {
        loop {
            match self.words.next()? {
                Some(Token::Open) => {
                    self.deeper()?;
                    into.waiting.push(Waiting::Parenthesis);
                }
                Some(Token::Word(word)) if word.eq_ignore_ascii_case("not") => {
                    into.waiting.push(Waiting::Not);
                    if self.words.next()? != Some(Token::Open) {
                        return Err(invalid("What \"not\" denies is put in parentheses."));
                    }
                    self.deeper()?;
                    into.waiting.push(Waiting::Parenthesis);
                }
                Some(Token::Word(name)) => {
                    let node = match list {
                        Some(list) => Node::Test(self.part_test(list, name)?),
                        None => self.comparison(name)?,
                    };
                    into.done.push(node);
                    return Ok(());
                }
                _ => {
                    return Err(invalid(
                        "The filter lacks a comparison such as userName eq \"ada\".",
                    ));
                }
            }
        }
    }

    /// Reads what closes, and what joins the next comparison.
    fn after(&mut self, expression: &mut Expression) -> Result<After, Error> {
        loop {
            match self.words.next()? {
                None => return Ok(After::End),
                Some(Token::CloseList) => return Ok(After::ListEnd),
                Some(Token::Close) => {
                    expression.close()?;
                    self.depth -= 1;
                }
                Some(Token::Word(word)) if word.eq_ignore_ascii_case("and") => {
                    expression.join(Waiting::And);
                    return Ok(After::Operator);
                }
                Some(Token::Word(word)) if word.eq_ignore_ascii_case("or") => {
                    expression.join(Waiting::Or);
                    return Ok(After::Operator);
                }
                Some(_) => {
                    return Err(invalid(
                        "Comparisons in the filter are joined by \"and\" or \"or\".",
                    ));
                }
            }
        }
    }

    /// A comparison that begins with this name: `name op value`, `list[…]` or, as Entra writes it, `list[…].part op value`.
    fn comparison(&mut self, name: &str) -> Result<Node, Error> {
        let target = self
            .kind
            .resolve(name)
            .map_err(|error| unknown(name, error))?;
        let mut ahead = self.words.clone();
        if ahead.next()? != Some(Token::OpenList) {
            return self.test(target).map(Node::Test);
        }
        self.words = ahead;
        let list = as_list(target)?;
        let mut inner = self.inner(list)?;
        if let Some(rest) = self.words.rest().strip_prefix('.') {
            self.words = Lexer::new(rest);
            let Some(Token::Word(part)) = self.words.next()? else {
                return Err(invalid("After \"].\" comes the name of a part."));
            };
            let test = self.part_test(list, part)?;
            inner.nodes.extend([Node::Test(test), Node::And]);
        }
        Ok(Node::Within(Within { list, inner }))
    }

    fn part_test(&mut self, list: Target, name: &str) -> Result<Test, Error> {
        let sub = list
            .attribute
            .sub(name)
            .ok_or_else(|| unknown(name, NameError::Unknown))?;
        self.test(Target {
            sub: Some(sub),
            ..list
        })
    }

    fn test(&mut self, target: Target) -> Result<Test, Error> {
        self.terms += 1;
        if self.terms > self.limits.filter_terms {
            let most = self.limits.filter_terms;
            return Err(invalid(format!("A filter may have {most} comparisons.")));
        }
        if !target.attribute.comparable() {
            let name = target.attribute.name;
            return Err(invalid(format!("\"{name}\" can't be filtered by.")));
        }
        let operator = match self.words.next()? {
            Some(Token::Word(word)) => Operator::named(word),
            _ => None,
        };
        let operator = operator.ok_or_else(|| {
            invalid(format!(
                "\"{target}\" is followed by one of eq, ne, co, sw, ew, pr, gt, ge, lt, le."
            ))
        })?;
        if operator == Operator::Present {
            let operand = Operand::Nothing;
            return Ok(Test {
                target,
                operator,
                operand,
            });
        }
        let target = with_value(target)?;
        let operand = Operand::read(target.leaf(), operator, self.words.next()?)?;
        Ok(Test {
            target,
            operator,
            operand,
        })
    }

    fn deeper(&mut self) -> Result<(), Error> {
        self.depth += 1;
        if self.depth > self.limits.filter_depth {
            let most = self.limits.filter_depth;
            return Err(invalid(format!("A filter may be nested {most} deep.")));
        }
        Ok(())
    }
}

enum After {
    Operator,
    ListEnd,
    End,
}

impl Expression {
    fn join(&mut self, operator: Waiting) {
        // `and` that waits is done before either; `or` that waits only before another `or`.
        while let Some(waiting) = self.waiting.pop_if(|waiting| match waiting {
            Waiting::Parenthesis => false,
            Waiting::Not | Waiting::And => true,
            Waiting::Or => operator == Waiting::Or,
        }) {
            self.apply(waiting);
        }
        self.waiting.push(operator);
    }

    fn close(&mut self) -> Result<(), Error> {
        loop {
            match self.waiting.pop() {
                Some(Waiting::Parenthesis) => break,
                Some(waiting) => self.apply(waiting),
                None => return Err(invalid("The filter has a \")\" too many.")),
            }
        }
        if self
            .waiting
            .pop_if(|waiting| *waiting == Waiting::Not)
            .is_some()
        {
            self.done.push(Node::Not);
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Filter, Error> {
        while let Some(waiting) = self.waiting.pop() {
            if waiting == Waiting::Parenthesis {
                return Err(invalid("The filter lacks a \")\"."));
            }
            self.apply(waiting);
        }
        Ok(Filter { nodes: self.done })
    }

    fn apply(&mut self, waiting: Waiting) {
        match waiting {
            Waiting::Parenthesis => {}
            Waiting::Not => self.done.push(Node::Not),
            Waiting::And => self.done.push(Node::And),
            Waiting::Or => self.done.push(Node::Or),
        }
    }
}

/// The list that a selection in brackets is of.
fn as_list(target: Target) -> Result<Target, Error> {
    let attribute = target.attribute;
    if attribute.kind == Kind::Complex && attribute.multi_valued && target.sub.is_none() {
        return Ok(target);
    }
    Err(invalid(format!(
        "\"{target}\" is no list of values with parts: nothing can be selected in it by brackets."
    )))
}

/// `emails co "x"` means `emails.value co "x"`.
fn with_value(target: Target) -> Result<Target, Error> {
    if target.leaf().kind != Kind::Complex {
        return Ok(target);
    }
    match target.attribute.value() {
        Some(value) => Ok(Target {
            sub: Some(value),
            ..target
        }),
        None => Err(invalid(format!(
            "\"{target}\" has parts: name the one that is compared."
        ))),
    }
}

fn unknown(name: &str, error: NameError) -> Error {
    invalid(format!("\"{}\": {error}.", shown(name)))
}
