//! An admin that is strict about cookies, tokens and addresses, and does on command what the real one does rarely.

use super::{call, connection, told};
use insta::assert_snapshot;
use serde_json::json;
use std::sync::{Arc, Mutex};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

/// How it treats the form.
#[derive(Debug, Clone, Copy)]
enum Treats {
    /// Carries it out and says this.
    Says(&'static str),
    /// Answers with this status and page.
    Answers(u16, &'static str),
    /// Sends to another page.
    Sends(&'static str),
    /// Has forgotten the session, as often as this.
    Forgets(usize),
    /// Finds the token wrong, as often as this.
    Suspects(usize),
    /// Carries it out and forgets the session before it is asked what came of it.
    ForgetsAfterwards,
}

#[derive(Debug, Default)]
struct Seen {
    logins: usize,
    forms: usize,
    carried_out: usize,
    message: Option<&'static str>,
}

struct Admin {
    treats: Treats,
    seen: Arc<Mutex<Seen>>,
}

const LIST: &str = r#"<select name="action"><option value="sync">Sync</option></select>
    <input name="csrfmiddlewaretoken" value="list-token"><table id="result_list"><tbody>
    <tr><td><input class="action-select" name="_selected_action" value="7"></td></tr></tbody></table>"#;
const LOGIN: &str =
    r#"<input name="csrfmiddlewaretoken" value="login-token"><input name="username"><input name="password">"#;

impl Respond for Admin {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let page = |html: &str| ResponseTemplate::new(200).set_body_raw(html.to_owned(), "text/html");
        let to = |place: &str| ResponseTemplate::new(302).insert_header("location", place);
        let header = |name: &str| {
            request
                .headers
                .get(name)
                .map_or("", |it| it.to_str().unwrap_or_default())
                .to_owned()
        };
        let form = String::from_utf8_lossy(&request.body).into_owned();
        let mut seen = self.seen.lock().unwrap();
        let logged_in = header("cookie").contains(&format!("sessionid=session-{}", seen.logins));
        match (request.method.as_str(), request.url.path()) {
            ("GET", "/admin/login/") => page(LOGIN).insert_header("set-cookie", "csrftoken=before; Path=/"),
            ("POST", "/admin/login/") => {
                assert_eq!(header("cookie"), "csrftoken=before");
                assert!(header("referer").ends_with("/admin/login/?next=%2Fadmin%2F"));
                assert!(
                    form.starts_with("csrfmiddlewaretoken=login-token&username=bot&password=open+sesame"),
                    "{form}"
                );
                seen.logins += 1;
                to("/admin/")
                    .append_header("set-cookie", "csrftoken=after; Path=/")
                    .append_header(
                        "set-cookie",
                        format!("sessionid=session-{}; HttpOnly", seen.logins).as_str(),
                    )
            }
            _ if !logged_in => to("/admin/login/?next=/admin/store/supplier/"),
            ("GET", "/admin/store/supplier/") => {
                let message = seen
                    .message
                    .take()
                    .map(|it| format!("<ul class=\"messagelist\"><li class=\"info\">{it}</li></ul>"));
                page(&format!("{}{LIST}", message.unwrap_or_default()))
            }
            ("POST", "/admin/store/supplier/") => {
                assert_eq!(
                    form,
                    "csrfmiddlewaretoken=list-token&action=sync&index=0&select_across=0&_selected_action=7"
                );
                assert!(header("cookie").contains("csrftoken=after"));
                assert!(header("referer").ends_with("/admin/store/supplier/"));
                seen.forms += 1;
                match self.treats {
                    Treats::Forgets(times) if seen.forms <= times => return to("/admin/login/?next=/admin/"),
                    Treats::Suspects(times) if seen.forms <= times => {
                        return ResponseTemplate::new(403).set_body_raw("<p>CSRF verification failed.", "text/html");
                    }
                    Treats::Answers(status, html) => {
                        return ResponseTemplate::new(status).set_body_raw(html, "text/html");
                    }
                    Treats::Sends(place) => return to(place),
                    Treats::Says(message) => seen.message = Some(message),
                    Treats::ForgetsAfterwards => seen.logins += 100,
                    Treats::Forgets(_) | Treats::Suspects(_) => {
                        seen.message = Some("Triggered sync for 1 supplier(s).")
                    }
                }
                seen.carried_out += 1;
                to("/admin/store/supplier/")
            }
            (method, path) => panic!("nobody asks {method} {path}"),
        }
    }
}

#[tokio::test]
async fn every_answer_to_the_form_is_told_for_what_it_is() {
    let mut said = Vec::new();
    for treats in [
        Treats::Says("Triggered sync for 1 supplier(s)."),
        Treats::Says("Triggered sync for 0 supplier(s)."),
        Treats::Says("Items must be selected in order to perform actions on them. No items have been changed."),
        Treats::Says("No action selected."),
        Treats::Forgets(1),
        Treats::Forgets(9),
        Treats::Suspects(1),
        Treats::Suspects(9),
        Treats::ForgetsAfterwards,
        Treats::Sends("/admin/store/report/"),
        Treats::Sends("https://elsewhere.example/admin/store/supplier/"),
        Treats::Answers(200, "<p>A report."),
        Treats::Answers(200, "<input type=hidden name=post value=yes>"),
        Treats::Answers(400, ""),
        Treats::Answers(500, "<h1>Server Error"),
        Treats::Answers(504, ""),
    ] {
        let server = MockServer::start().await;
        let seen = Arc::new(Mutex::new(Seen::default()));
        let admin = Admin {
            treats,
            seen: seen.clone(),
        };
        Mock::given(any()).respond_with(admin).mount(&server).await;
        let bot = connection(&format!("{}/admin/", server.uri()), "bot", "open sesame");
        let with = json!({ "model": "store/supplier", "action": "sync", "ids": [7] });
        let result = call(&bot, "action", with).await;
        let seen = seen.lock().unwrap();
        said.push(format!(
            "{treats:?}: {} forms, {} carried out\n    {}",
            seen.forms,
            seen.carried_out,
            told(&result, server.address().port())
        ));
    }
    assert_snapshot!(said.join("\n"), @r#"
    Says("Triggered sync for 1 supplier(s)."): 1 forms, 1 carried out
        done: {"messages":[{"level":"info","text":"Triggered sync for 1 supplier(s)."}],"count":1}
    Says("Triggered sync for 0 supplier(s)."): 1 forms, 1 carried out
        done: {"messages":[{"level":"info","text":"Triggered sync for 0 supplier(s)."}],"count":0}
    Says("Items must be selected in order to perform actions on them. No items have been changed."): 1 forms, 1 carried out
        not done: the admin did nothing: Items must be selected in order to perform actions on them. No items have been changed
    Says("No action selected."): 1 forms, 1 carried out
        not done: the admin did nothing: No action selected
    Forgets(1): 2 forms, 1 carried out
        done: {"messages":[{"level":"info","text":"Triggered sync for 1 supplier(s)."}],"count":1}
    Forgets(9): 2 forms, 0 carried out
        not done: the admin at SHOP does not take the form for sync, also after a new login: it asks for the login
    Suspects(1): 2 forms, 1 carried out
        done: {"messages":[{"level":"info","text":"Triggered sync for 1 supplier(s)."}],"count":1}
    Suspects(9): 2 forms, 0 carried out
        not done: the admin at SHOP does not take the form for sync, also after a new login: HTTP 403, the CSRF check failed
    ForgetsAfterwards: 1 forms, 1 carried out
        unknown: the admin at SHOP may have carried out sync: the session ended before its messages could be read
    Sends("/admin/store/report/"): 1 forms, 0 carried out
        unknown: the admin at SHOP may have carried out sync: it sends us to another page than the list, so no message can be read
    Sends("https://elsewhere.example/admin/store/supplier/"): 1 forms, 0 carried out
        unknown: the admin at SHOP may have carried out sync: it sends us to another page than the list, so no message can be read
    Answers(200, "<p>A report."): 1 forms, 0 carried out
        unknown: the admin at SHOP may have carried out sync: HTTP 200 came instead of the list
    Answers(200, "<input type=hidden name=post value=yes>"): 1 forms, 0 carried out
        not done: sync asks whether one is sure, and was not carried out
    Answers(400, ""): 1 forms, 0 carried out
        not done: the admin at SHOP refuses the form: HTTP 400
    Answers(500, "<h1>Server Error"): 1 forms, 0 carried out
        unknown: the admin at SHOP may have carried out sync: HTTP 500 came instead of the list
    Answers(504, ""): 1 forms, 0 carried out
        unknown: the admin at SHOP may have carried out sync: HTTP 504 came instead of the list
    "#);
}
