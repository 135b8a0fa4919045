//! Every code that a diagnostic may carry, and what it means. A code is never given a new meaning.

use std::fmt;

macro_rules! codes {
    ($($code:ident $name:ident: $meaning:literal,)*) => {
        /// What kind of finding a diagnostic is: `E…` an error, `W…` a warning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $meaning] $name,)*
        }

        impl Code {
            /// All codes in order, for lists and tests.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The code as it is printed.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($code),)* }
            }

            /// What it means, in one sentence.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)* }
            }
        }
    };
}

codes! {
    E001 NotUtf8: "The file is not UTF-8 text.",
    E002 TooLarge: "The file is larger than a runbook may be.",
    E003 Syntax: "The text is not TOML.",
    E004 TooDeep: "Tables or arrays are nested deeper than any runbook needs.",
    E010 UnknownKey: "No such key in this table.",
    E011 MissingKey: "A required key is not there.",
    E012 WrongType: "The value is of another type than the key takes.",
    E013 NotAllowed: "The value is not one of those that the key takes.",
    E014 OutOfRange: "The number is below or above what the key takes.",
    E019 BadMoment: "Not a moment in time.",
    E020 BadDuration: "Not a duration.",
    E021 BadSize: "Not a size.",
    E022 BadPattern: "Not a regular expression.",
    E023 BadUrl: "Not an http or https URL.",
    E024 BadPointer: "Not a JSON pointer.",
    E025 BadId: "Not an id.",
    E026 BadAddress: "Not `host:port`.",
    E027 BadName: "Not a name that can be used here.",
    E028 BadDigest: "Not a SHA-256 digest.",
    E029 EmptyText: "The text is empty, where something must be said.",
    E030 UnknownName: "A name in `${{ }}` that nothing gives a value.",
    E031 NotKnownYet: "A name in `${{ }}` whose value is not known when it is needed here.",
    E032 SecretHere: "A secret where it could be seen.",
    E033 NotForShell: "A value that must not stand in a shell string.",
    E034 Unclosed: "A `${{` without its `}}`.",
    E035 VarMissing: "A var without a value.",
    E036 VarRefused: "A value that the var does not take.",
    E037 VarCycle: "Vars whose defaults need each other.",
    E038 NameTaken: "Two things of one name.",
    E039 UnknownVar: "A value for a var that the runbook does not have.",
    E040 NoKind: "No kind key: nothing says what it does.",
    E041 SeveralKinds: "More than one kind key.",
    E042 WrongKind: "A key that does not go with this kind.",
    E043 DuplicateId: "Two steps or stages of one id.",
    E044 UnknownCheck: "No such check.",
    E045 UnknownStep: "No such step.",
    E046 UnknownStage: "No such stage.",
    E047 Cycle: "Things that wait for each other.",
    E048 Empty: "A list or table that must hold something is empty.",
    E049 Impossible: "Nothing could ever meet this.",
    E050 NotInRollback: "A key or value that rollback steps do not take.",
    E051 OnlyInRollback: "A key or value that only rollback steps take.",
    E052 BadTrigger: "A trigger with no condition, or with several.",
    E053 BadWhen: "A `when` that names nothing known at load.",
    E054 UnknownHttp: "No such `[http.NAME]`.",
    E099 Internal: "A fault of gonogo itself.",
    W001 Tee: "A pipe into `tee` hides the exit code.",
    W002 WrongTable: "A key that stands in another table than was probably meant.",
    W003 ExitCodeOnly: "Nothing but an exit code proves this step.",
    W004 NoRollback: "A stage that changes something and has no way back.",
    W005 MissingFile: "A file that a rollback step names is not there.",
    W006 Invisible: "Invisible or bidirectional characters.",
    W007 Writable: "The runbook can be changed by others.",
    W008 NeverUsed: "A check that nothing uses.",
    W009 Hasty: "A check that may take longer than its period.",
    W010 OpenRole: "A role that anybody may claim, where others are given to somebody.",
    W011 IdleRole: "A role that nothing asks for.",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
