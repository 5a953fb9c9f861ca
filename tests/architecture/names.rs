//! The paths and macros that a Rust file names, without its comments, its strings and what is only there for tests.

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use std::collections::HashSet;

/// `crate::run::{state, lock::Locks}` names two: `run::state` and `run::lock::Locks`.
#[derive(Debug)]
pub struct Name {
    /// From the root of the crate that it belongs to; a macro has its `!`.
    pub path: String,
    /// Whether that crate is this one.
    pub ours: bool,
    /// Counted from one.
    pub line: usize,
}

/// Everything that this text of `module` names by a path.
pub fn names(text: &str, module: &str) -> Vec<Name> {
    let tokens: TokenStream = text.parse().expect("rustc has read it before");
    let here = if ["lib", "main"].contains(&module) {
        Vec::new()
    } else {
        module.split("::").map(str::to_owned).collect()
    };
    let mut reader = Reader {
        here,
        children: HashSet::new(),
        found: Vec::new(),
    };
    reader.items(tokens);
    reader.found
}

struct Reader {
    /// The module that is being read.
    here: Vec<String>,
    /// Its children, which it may name without `self::`.
    children: HashSet<String>,
    found: Vec<Name>,
}

impl Reader {
    fn items(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let declared = tokens
            .windows(2)
            .filter(|pair| is_word(&pair[0], "mod"))
            .map(|pair| pair[1].to_string());
        self.children.extend(declared);
        let mut at = 0;
        while at < tokens.len() {
            at = match &tokens[at..] {
                [TokenTree::Punct(mark), TokenTree::Group(attribute), ..]
                    if mark.as_char() == '#' && attribute.stream().to_string().replace(' ', "") == "cfg(test)" =>
                {
                    at + 2 + item_length(&tokens[at + 2..])
                }
                [word, TokenTree::Ident(name), TokenTree::Group(body), ..] if is_word(word, "mod") => {
                    let above = std::mem::take(&mut self.children);
                    self.here.push(name.to_string());
                    self.items(body.stream());
                    self.here.pop();
                    self.children = above;
                    at + 3
                }
                [TokenTree::Ident(_), ..] => self.path(&tokens, at, &[]),
                [TokenTree::Group(group), ..] => {
                    self.items(group.stream());
                    at + 1
                }
                _ => at + 1,
            };
        }
    }

    /// Reads the path that begins here and says where it ends.
    fn path(&mut self, tokens: &[TokenTree], mut at: usize, before: &[String]) -> usize {
        let mut path = before.to_vec();
        let line = tokens[at].span().start().line;
        loop {
            match &tokens[at] {
                TokenTree::Ident(word) if *word == "self" && !before.is_empty() => {}
                TokenTree::Group(tree) if tree.delimiter() == Delimiter::Brace => {
                    self.tree(tree.stream(), &path);
                    return at + 1;
                }
                TokenTree::Ident(word) => path.push(plain(word)),
                TokenTree::Punct(mark) if mark.as_char() == '*' => path.push("*".to_owned()),
                // `::<`: what follows are types, paths of their own.
                _ => break,
            }
            at += 1;
            if !is_separator(&tokens[at..]) || at + 2 >= tokens.len() {
                break;
            }
            at += 2;
        }
        let calls = matches!(&tokens[at..], [TokenTree::Punct(mark), TokenTree::Group(_), ..] if mark.as_char() == '!');
        self.record(path, calls, line);
        at
    }

    /// The branches of a `use`.
    fn tree(&mut self, tokens: TokenStream, before: &[String]) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            self.path(&tokens, at, before);
            // Over `as another` too.
            at = tokens[at..]
                .iter()
                .position(|token| is_mark(token, ','))
                .map_or(tokens.len(), |comma| at + comma + 1);
        }
    }

    fn record(&mut self, mut path: Vec<String>, calls: bool, line: usize) {
        if path.len() < 2 && !calls {
            return;
        }
        let mut ours = true;
        match path[0].as_str() {
            "crate" | "signalbox" => drop(path.remove(0)),
            "self" => drop(path.splice(..1, self.here.iter().cloned())),
            "super" => {
                let up = path.iter().take_while(|part| *part == "super").count();
                let above = self.here.len().saturating_sub(up);
                path.splice(..up, self.here[..above].iter().cloned());
            }
            child if self.children.contains(child) => drop(path.splice(..0, self.here.iter().cloned())),
            _ => ours = false,
        }
        let path = path.join("::") + if calls { "!" } else { "" };
        self.found.push(Name { path, ours, line });
    }
}

/// Up to the end of the item that an attribute stands before.
fn item_length(tokens: &[TokenTree]) -> usize {
    let ends = |token: &TokenTree| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        token => is_mark(token, ';'),
    };
    tokens.iter().position(ends).map_or(tokens.len(), |last| last + 1)
}

fn plain(word: &Ident) -> String {
    let word = word.to_string();
    word.strip_prefix("r#").map(str::to_owned).unwrap_or(word)
}

fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == word)
}

fn is_mark(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == mark)
}

fn is_separator(tokens: &[TokenTree]) -> bool {
    matches!(tokens, [first, second, ..] if is_mark(first, ':') && is_mark(second, ':'))
}
