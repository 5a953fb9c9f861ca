//! How a `[connection.NAME]` becomes data, kind by kind.

use super::{secret_goes_to, web_address, without_slash, wrong};
use crate::config::{Address, ConnectionConfig, Jsm, Login, PagerDuty, SignIn};
use crate::nearest::way_out;
use crate::toml_file::{Section, Text};

/// What the kinds of connections are called.
const KINDS: [&str; 8] = [
    "postgres",
    "celery",
    "prometheus",
    "alertmanager",
    "http",
    "django_admin",
    "pagerduty",
    "jsm",
];

pub(super) fn connection(mut section: Section<'_>) -> Option<ConnectionConfig> {
    let kind = section.required_text("kind")?;
    let connection = match kind.value {
        "postgres" => section
            .required_secret("url")
            .map(|url| ConnectionConfig::Postgres { url }),
        "celery" => {
            let (broker, results) = (section.required_secret("broker"), section.required_secret("results"));
            broker
                .zip(results)
                .map(|(broker, results)| ConnectionConfig::Celery { broker, results })
        }
        "prometheus" => address(&mut section).map(|url| ConnectionConfig::Prometheus { url }),
        "alertmanager" => {
            let token = section.secret("token");
            address(&mut section).map(|url| ConnectionConfig::Alertmanager { url, token })
        }
        "http" => {
            let url = address(&mut section);
            let sign_in = sign_in(&mut section);
            url.zip(sign_in)
                .map(|(url, sign_in)| ConnectionConfig::Http { url, sign_in })
        }
        "django_admin" => {
            let url = address(&mut section);
            let (user, password) = (section.required_secret("user"), section.required_secret("password"));
            match (url, user, password) {
                (Some(url), Some(user), Some(password)) => Some(ConnectionConfig::DjangoAdmin { url, user, password }),
                _ => None,
            }
        }
        "pagerduty" => pagerduty(&mut section),
        "jsm" => jsm(&mut section),
        unknown => {
            let message = format!(
                "there is no kind of connection `{unknown}`; {}",
                way_out(unknown, KINDS)
            );
            section.file().problem(&kind.span, message);
            // Its other keys are that kind's own: nothing can be said of them.
            return None;
        }
    };
    section.close();
    connection
}

fn sign_in(section: &mut Section<'_>) -> Option<SignIn> {
    let token = section.text("token");
    let written = token.as_ref().map(|text| section.secret_in("token", text));
    let login = section.section("login").map(login);
    match (written, login) {
        (None, None) => Some(SignIn::Nobody),
        (Some(token), None) => token.map(SignIn::Token),
        (None, Some(login)) => login.map(SignIn::Login),
        (Some(_), Some(_)) => {
            let message = "`token` and `login` are two ways to sign in; leave one of them out";
            section
                .file()
                .problem(token.as_ref().map_or(section.span(), |text| &text.span), message);
            None
        }
    }
}

fn login(mut section: Section<'_>) -> Option<Login> {
    let path = |section: &Section<'_>, key, text: Text<'_>| {
        if !text.value.starts_with('/') || text.value.starts_with("//") || text.value.contains(['?', '#', '\\']) {
            wrong(section, key, &text, "a path that begins with a slash");
        }
        text.value.to_owned()
    };
    let sign_in = section.required_text("path").map(|text| path(&section, "path", text));
    let refresh = section.text("refresh").map(|text| path(&section, "refresh", text));
    let user_field = section.text("user_field").map_or("email", |text| text.value).to_owned();
    let (user, password) = (section.required_secret("user"), section.required_secret("password"));
    section.close();
    Some(Login {
        path: sign_in?,
        user_field,
        user: user?,
        password: password?,
        refresh,
    })
}

fn pagerduty(section: &mut Section<'_>) -> Option<ConnectionConfig> {
    let routing_key = section.required_secret("routing_key");
    let token = section.secret("token");
    let from = section.text("from").map(|text| {
        if !is_mail(text.value) {
            wrong(section, "from", &text, "the e-mail address of a user of PagerDuty");
        }
        text.value.to_owned()
    });
    let events_url = secret_goes_to(section, "events_url", "https://events.pagerduty.com", "the routing key");
    let api_url = secret_goes_to(section, "api_url", "https://api.pagerduty.com", "the token");
    Some(ConnectionConfig::PagerDuty(PagerDuty {
        routing_key: routing_key?,
        token,
        from,
        events_url: events_url?,
        api_url: api_url?,
    }))
}

fn jsm(section: &mut Section<'_>) -> Option<ConnectionConfig> {
    let cloud_id = section.required_text("cloud_id").and_then(|text| {
        let is_one = uuid::Uuid::parse_str(text.value).is_ok();
        if !is_one {
            let wanted = "the id of the site, which https://SITE.atlassian.net/_edge/tenant_info tells";
            wrong(section, "cloud_id", &text, wanted);
        }
        is_one.then(|| text.value.to_owned())
    });
    let email = section.required_text("email").map(|text| {
        if !is_mail(text.value) {
            wrong(section, "email", &text, "the e-mail address of the token's account");
        }
        text.value.to_owned()
    });
    let team = section.required_text("team").map(|text| {
        let is_id = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if text.value.is_empty() || text.value.len() > 64 || !text.value.chars().all(is_id) {
            wrong(section, "team", &text, "the id of the team that is paged, not its name");
        }
        text.value.to_owned()
    });
    let token = section.required_secret("token");
    let api_url = secret_goes_to(section, "api_url", "https://api.atlassian.com", "the token");
    Some(ConnectionConfig::Jsm(Jsm {
        cloud_id: cloud_id?,
        team: team?,
        email: email?,
        token: token?,
        api_url: api_url?,
    }))
}

fn is_mail(text: &str) -> bool {
    let is_plain = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_graphic() && c != ':');
    text.split_once('@')
        .is_some_and(|(who, at)| is_plain(who) && is_plain(at) && !at.contains('@'))
}

fn address(section: &mut Section<'_>) -> Option<Address> {
    let text = section.required_text("url")?;
    if text.value.starts_with("env:") || text.value.starts_with("file:") {
        return section.secret_in("url", &text).map(Address::Secret);
    }
    Some(Address::Plain(without_slash(&web_address(section, "url", &text)?)))
}
