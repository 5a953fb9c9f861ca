//! Whether any policy speaks of an alert at all: what none permits never runs, and whoever wrote the rule should learn of
//! it before the alert does.

use super::{ActName, Policy};
use cedar_policy::{ActionConstraint, Effect, EntityUid, PrincipalConstraint, ResourceConstraint};

impl Policy {
    /// What no policy could ever let an alert do with a runbook, be its conditions as they may; none where some policy
    /// could. `named` tells whether an alert of this name is meant.
    pub fn never(&self, runbook: &str, named: impl Fn(&str) -> bool) -> Option<ActName> {
        let permits = |act: ActName| {
            self.full.policies().any(|policy| {
                policy.effect() == Effect::Permit
                    && self.of_alert(&policy.principal_constraint(), &named)
                    && of_act(&policy.action_constraint(), act)
                    && of_runbook(&policy.resource_constraint(), runbook)
            })
        };
        [ActName::Ask, ActName::Run].into_iter().find(|act| !permits(*act))
    }

    fn of_alert(&self, principal: &PrincipalConstraint, named: impl Fn(&str) -> bool) -> bool {
        match principal {
            PrincipalConstraint::Any => true,
            PrincipalConstraint::Is(kind) => *kind == self.names.alert,
            PrincipalConstraint::Eq(uid) | PrincipalConstraint::In(uid) | PrincipalConstraint::IsIn(_, uid) => {
                *uid.type_name() == self.names.alert && named(uid.id().unescaped())
            }
        }
    }
}

fn of_act(action: &ActionConstraint, act: ActName) -> bool {
    let is_it = |uid: &EntityUid| uid.id().unescaped() == act.as_str();
    match action {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(uid) => is_it(uid),
        ActionConstraint::In(uids) => uids.iter().any(is_it),
    }
}

fn of_runbook(resource: &ResourceConstraint, runbook: &str) -> bool {
    match resource {
        ResourceConstraint::Any | ResourceConstraint::Is(_) => true,
        ResourceConstraint::Eq(uid) | ResourceConstraint::In(uid) | ResourceConstraint::IsIn(_, uid) => {
            uid.id().unescaped() == runbook
        }
    }
}
