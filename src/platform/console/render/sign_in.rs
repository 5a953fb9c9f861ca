//! The door: a token, or in demo mode a name.

use super::page::hidden;
use super::shown;
use maud::{Markup, html};

/// Signing in with one's own token, on the way to a page.
pub fn sign_in(to: &str, problem: Option<&str>) -> Markup {
    html! {
        main #main .narrow {
            h1 { "Sign in" }
            @if let Some(problem) = problem { p.problem role="alert" { (problem) } }
            form.stack method="post" action="/sign-in" {
                (hidden("to", to))
                label { span { "Your console token" }
                    input type="password" name="token" required autocomplete="current-password" autofocus maxlength="512"; }
                button.primary { "Sign in" }
            }
            p.hint { "The token is your own: " code { "console" } " in people.toml says where it is kept. Ask an operator if you have none." }
        }
    }
}

/// Picking somebody, in demo mode alone, on the way to a page.
pub fn picker(to: &str, people: &[(String, String)]) -> Markup {
    html! {
        main #main .narrow {
            h1 { "Who do you want to be?" }
            form.stack method="post" action="/pick" {
                (hidden("csrf", ""))
                (hidden("to", to))
                @for (person, groups) in people {
                    button.pick name="person" value=(person) { strong { (shown(person)) } span { (shown(groups)) } }
                }
            }
        }
    }
}
