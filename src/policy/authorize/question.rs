//! What is asked of the policies, with the facts that each question takes.

use crate::policy::identity::Person;
use crate::request::{Account, Place};
use crate::runbook::action::Effect;
use std::collections::{BTreeMap, BTreeSet};

/// What the policy must know of a runbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunbookFacts {
    /// The slash command.
    pub name: String,
    /// The strongest effect of its steps.
    pub effect: Effect,
    /// The facts that its plans tell: `orders`, or `money.USD` for a member of a record.
    pub radius_names: BTreeSet<String>,
}

/// How much a plan touches, by the names of [`RunbookFacts::radius_names`]; money in minor units.
pub type Radius = BTreeMap<String, i64>;

/// What somebody wants to do with a runbook, with the facts that this takes.
#[derive(Debug, Clone, Copy)]
pub enum Act<'a> {
    /// Be heard at all; decided before any look is made.
    Ask,
    /// See its runs.
    View,
    /// Carry out a plan.
    Run {
        /// Of the plan.
        radius: &'a Radius,
    },
    /// Say yes to somebody's plan.
    Approve {
        /// Of the plan.
        radius: &'a Radius,
        /// Whose plan it is.
        requester: &'a Person,
        /// The approver's.
        account: &'a Account,
    },
    /// Start no further step of a run.
    Stop {
        /// Whose run it is.
        requester: &'a Person,
    },
    /// Say what became of an unknown step.
    Resolve {
        /// Whose run it is.
        requester: &'a Person,
    },
    /// Start a plan without the approval that it needs.
    Override {
        /// Of the plan.
        radius: &'a Radius,
        /// Whose plan it is.
        requester: &'a Person,
    },
}

/// The name of an [`Act`], as policies write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ActName {
    /// `Action::"ask"`
    Ask,
    /// `Action::"view"`
    View,
    /// `Action::"run"`
    Run,
    /// `Action::"approve"`
    Approve,
    /// `Action::"stop"`
    Stop,
    /// `Action::"resolve"`
    Resolve,
    /// `Action::"override"`
    Override,
}

impl ActName {
    pub(super) const ALL: [Self; 7] = [
        Self::Ask,
        Self::View,
        Self::Run,
        Self::Approve,
        Self::Stop,
        Self::Resolve,
        Self::Override,
    ];

    /// As policies write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::View => "view",
            Self::Run => "run",
            Self::Approve => "approve",
            Self::Stop => "stop",
            Self::Resolve => "resolve",
            Self::Override => "override",
        }
    }

    /// Fills "No policy lets vic ... forward-order."
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Ask => "ask for",
            Self::View => "view",
            Self::Run => "run",
            Self::Approve => "approve",
            Self::Stop => "stop",
            Self::Resolve => "resolve a step of",
            Self::Override => "override the approval of",
        }
    }
}

impl Act<'_> {
    /// Its name.
    pub fn name(&self) -> ActName {
        match self {
            Self::Ask => ActName::Ask,
            Self::View => ActName::View,
            Self::Run { .. } => ActName::Run,
            Self::Approve { .. } => ActName::Approve,
            Self::Stop { .. } => ActName::Stop,
            Self::Resolve { .. } => ActName::Resolve,
            Self::Override { .. } => ActName::Override,
        }
    }

    pub(super) fn radius(&self) -> Option<&Radius> {
        match self {
            Self::Run { radius } | Self::Approve { radius, .. } | Self::Override { radius, .. } => Some(radius),
            Self::Ask | Self::View | Self::Stop { .. } | Self::Resolve { .. } => None,
        }
    }

    pub(super) fn requester(&self) -> Option<&Person> {
        match self {
            Self::Approve { requester, .. }
            | Self::Stop { requester }
            | Self::Resolve { requester }
            | Self::Override { requester, .. } => Some(requester),
            Self::Ask | Self::View | Self::Run { .. } => None,
        }
    }
}

/// May this person do this with this runbook, here?
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Who.
    pub person: &'a Person,
    /// What.
    pub act: Act<'a>,
    /// With which runbook.
    pub runbook: &'a str,
    /// Where it was asked.
    pub place: &'a Place,
}
