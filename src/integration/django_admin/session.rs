//! Being logged in to the admin.

use super::cookies::Cookies;
use super::page::Page;
use super::{AdminError, DjangoAdmin};
use crate::integration::exchange::{Answer, Lost, exchange};
use crate::integration::pause::Pause;
use crate::report::redact::{Redactor, RedactorError};
use reqwest::header::{ACCEPT, ACCEPT_LANGUAGE, COOKIE, LOCATION, REFERER};
use reqwest::{Method, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::time::Instant;

/// What lasts from call to call.
#[derive(Default)]
pub(super) struct Visit {
    session: Option<Session>,
    pause: Pause,
    logins: u64,
}

struct Session {
    cookies: Cookies,
    redactor: Redactor,
    /// Whether the admin has shown a page to it.
    let_in: bool,
}

impl Visit {
    /// How often somebody logged in: messages do not outlive the session that they were for.
    pub(super) fn logins(&self) -> u64 {
        self.logins
    }

    /// The next page is asked for after another login.
    pub(super) fn leave(&mut self) {
        self.session = None;
    }

    /// Without the password, and without what identifies the session.
    pub(super) fn redact(&self, value: Value) -> Result<Value, RedactorError> {
        match &self.session {
            Some(session) => Ok(session.redactor.redact_value(value)),
            None => Ok(Redactor::new(&[])?.redact_value(value)),
        }
    }
}

impl DjangoAdmin {
    /// A page that only those see who are let in. Logs in if it must, and once more if the session has ended.
    pub(super) async fn open(
        &self,
        visit: &mut Visit,
        url: Url,
        what: &str,
        until: Instant,
    ) -> Result<Page, AdminError> {
        loop {
            if visit.session.is_none() {
                visit.session = Some(self.log_in(&mut visit.pause, until).await?);
                visit.logins += 1;
            }
            let Some(session) = &mut visit.session else {
                return Err(self.strange("the login left no session".to_owned()));
            };
            let answer = self.get(&mut session.cookies, url.clone(), until).await?;
            let connection = self.config.name.clone();
            let page = match answer.status {
                StatusCode::OK => Some(self.page(&answer)?),
                StatusCode::FORBIDDEN => {
                    let what = what.to_owned();
                    return Err(AdminError::Forbidden { connection, what });
                }
                StatusCode::NOT_FOUND => {
                    let (host, what) = (self.site.host().to_owned(), what.to_owned());
                    return Err(AdminError::Missing { host, what });
                }
                _ if self.leads_to_login(&answer) => None,
                status => {
                    let status = status.as_u16();
                    return Err(self.strange(format!("it answers {what} with HTTP {status}")));
                }
            };
            match page {
                Some(page) if !page.is_login => {
                    session.let_in = true;
                    return Ok(page);
                }
                _ if session.let_in => visit.leave(),
                _ => {
                    visit.leave();
                    return Err(AdminError::NotLetIn(connection));
                }
            }
        }
    }

    /// One form, once. What became of it is for the caller to tell.
    pub(super) async fn post(
        &self,
        visit: &mut Visit,
        url: &Url,
        form: &[(&str, &str)],
        until: Instant,
    ) -> Result<Answer, Lost> {
        let Some(session) = &mut visit.session else {
            return Err(Lost::NeverSent("nobody is logged in".to_owned()));
        };
        self.send_form(&mut session.cookies, url, form, until).await
    }

    /// Whether the admin sends us to its login: it does so before it looks at what was asked.
    pub(super) fn leads_to_login(&self, answer: &Answer) -> bool {
        let login = self.login_url();
        let to = answer
            .header(LOCATION)
            .filter(|_| answer.status.is_redirection())
            .and_then(|location| self.site.same_origin(&login, location));
        to.is_some_and(|to| to.path() == login.path())
    }

    pub(super) fn page(&self, answer: &Answer) -> Result<Page, AdminError> {
        match std::str::from_utf8(&answer.body) {
            Ok(html) => Ok(Page::read(html)?),
            Err(_) => Err(self.strange("it sent a page that is no text in UTF-8".to_owned())),
        }
    }

    pub(super) fn strange(&self, reason: String) -> AdminError {
        AdminError::Strange {
            host: self.site.host().to_owned(),
            reason,
        }
    }

    async fn log_in(&self, pause: &mut Pause, until: Instant) -> Result<Session, AdminError> {
        if let Some((answer, wait)) = pause.standing() {
            return Err(self.refused(answer, wait));
        }
        let mut cookies = Cookies::default();
        let mut url = self.login_url();
        let next = self.site.path("/").path().to_owned();
        url.query_pairs_mut().append_pair("next", &next);
        let answer = self.get(&mut cookies, url.clone(), until).await?;
        let page = match answer.status {
            StatusCode::OK => self.page(&answer)?,
            status => {
                return Err(self.strange(format!("its login page answers HTTP {}", status.as_u16())));
            }
        };
        let Some(token) = page.token.filter(|_| page.is_login) else {
            return Err(self.strange("its login page has no login form of Django's".to_owned()));
        };
        let password = self.config.password.expose_secret();
        let form = [
            ("csrfmiddlewaretoken", token.as_str()),
            ("username", &self.config.user),
            ("password", password),
            ("next", &next),
        ];
        let answer = self
            .send_form(&mut cookies, &url, &form, until)
            .await
            .map_err(|lost| self.lost(&lost))?;
        match answer.status {
            status if status.is_redirection() => {}
            StatusCode::OK => {
                let page = self.page(&answer)?;
                return Err(match page.error {
                    Some(error) => {
                        let told = Redactor::new(std::slice::from_ref(&self.config.password))?
                            .redact(error.trim_end_matches('.'))
                            .into_owned();
                        let wait = pause.begin(told.clone());
                        self.refused(told, wait)
                    }
                    None => self.strange("it answers the login with a page that says nothing of it".to_owned()),
                });
            }
            StatusCode::FORBIDDEN => {
                let wait = pause.begin("HTTP 403".to_owned());
                return Err(self.refused("HTTP 403".to_owned(), wait));
            }
            status => {
                return Err(self.strange(format!("it answers the login with HTTP {}", status.as_u16())));
            }
        }
        pause.end();
        let mut secrets = vec![self.config.password.clone()];
        secrets.extend(cookies.values().map(SecretString::from));
        Ok(Session {
            redactor: Redactor::new(&secrets)?,
            cookies,
            let_in: false,
        })
    }

    async fn get(&self, cookies: &mut Cookies, url: Url, until: Instant) -> Result<Answer, AdminError> {
        let request = self
            .site
            .request(Method::GET, url)
            .header(ACCEPT, "text/html")
            // The admin's own messages are known in this language.
            .header(ACCEPT_LANGUAGE, "en")
            .header(COOKIE, cookies.header());
        let answer = exchange(request, until).await.map_err(|lost| self.lost(&lost))?;
        cookies.take(&answer.headers);
        Ok(answer)
    }

    async fn send_form(
        &self,
        cookies: &mut Cookies,
        url: &Url,
        form: &[(&str, &str)],
        until: Instant,
    ) -> Result<Answer, Lost> {
        let request = self
            .site
            .request(Method::POST, url.clone())
            .header(ACCEPT, "text/html")
            .header(ACCEPT_LANGUAGE, "en")
            .header(COOKIE, cookies.header())
            // Over https Django wants to know that the form is its own.
            .header(REFERER, url.as_str())
            .form(form);
        let answer = exchange(request, until).await?;
        cookies.take(&answer.headers);
        Ok(answer)
    }

    fn login_url(&self) -> Url {
        self.site.url(["login", ""])
    }

    /// A page that was lost changed nothing.
    fn lost(&self, lost: &Lost) -> AdminError {
        AdminError::Unreachable {
            host: self.site.host().to_owned(),
            reason: lost.reason(),
        }
    }

    fn refused(&self, answer: String, wait: u64) -> AdminError {
        AdminError::Refused {
            connection: self.config.name.clone(),
            answer,
            wait,
        }
    }
}
