//! Texts that leave their place in a query and go on as SQL.

mod literal;
mod rules;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::detector::{Detector, Findings, Hit};
use crate::rules::{self as engine, RuleSet};
use crate::text::View;

pub(super) static DETECTOR: SqlInjection = SqlInjection;

/// Finds payloads of SQL injection.
pub(super) struct SqlInjection;

static RULES: RuleSet = RuleSet::new(&[rules::RULES]);

static META: Meta = Meta {
    id: "sql-injection",
    summary: "A value that would go on as SQL when pasted into a query",
    severity: Severity::High,
    category: Category::CodeInjection,
    label: "SQL",
    docs: Docs {
        finds: "Behind a quote, bracket or number that ends a value: conditions that always or never hold (SQL_TAUTOLOGY), \
                `UNION SELECT` (SQL_UNION), a second statement (SQL_STACKED), comments that cut off the rest (SQL_COMMENT), \
                delays and questions to the database (SQL_BLIND), errors that carry data (SQL_ERROR). Anywhere: commands of the \
                system by way of `xp_cmdshell` and its like (SQL_COMMAND), and files written into the folders of a web server \
                or read from those of the system (SQL_FILE).",
        matters: "What a model writes often ends in a query: as the argument of a tool, or copied by a person. \
                  A value that ends its quote early speaks to the database itself.",
        example: "`{\"name\": \"x' OR '1'='1' --\"}` in a tool call is found, `WHERE name = 'x' OR id = 1` is not.",
        fix: "Block it in tool calls, and let tools bind values to parameters instead of writing them into queries.",
        limits: "It finds values that break out, not statements: a tool that takes whole queries can be told to \
                 `DROP TABLE` in plain words. Texts that teach about injection show such values and are found. \
                 A quote that closes a value within the same text, as in `= 'a' OR 1=1`, is taken for ordinary SQL \
                 unless the value is empty.",
    },
    references: &[Reference::Cwe(89), Reference::Cwe(78), Reference::Owasp("LLM05:2025")],
    flags: &[
        "' OR 1=1 --",
        "admin' OR '1'='1",
        "{\"user\": \"x\\\" or \\\"a\\\"=\\\"a\"}",
        "x') OR ('a'='a",
        "105 OR 1=1 --",
        "'/**/or/**/2>1#",
        "%27%20OR%201%3D1%20--%20",
        "' || '1'='1' /*",
        "' or true--",
        "SELECT * FROM users WHERE name = '' OR '1'='1'",
        "' AND 1=2 --",
        "' UNION SELECT username, password FROM users --",
        "-1 UNION ALL SELECT 1,2,group_concat(table_name) FROM information_schema.tables",
        "id=1 union select null, null, version() -- ",
        "1') UNION/**/SELECT/**/NULL--",
        "Robert'); DROP TABLE students;--",
        "'; DELETE FROM orders WHERE 1=1; --",
        "5; exec master..xp_cmdshell 'dir'",
        "x'; INSERT INTO admins VALUES ('eve', 'pw') --",
        "admin'--",
        "{\"login\": \"admin' #\"}",
        "' AND SLEEP(5)--",
        "1' AND (SELECT 1 FROM (SELECT(SLEEP(5)))a)-- -",
        "'; WAITFOR DELAY '0:0:5'--",
        "'; SELECT pg_sleep(10)--",
        "' AND ASCII(SUBSTRING((SELECT password FROM users LIMIT 1),1,1))>64--",
        "' AND extractvalue(1,concat(0x7e,version()))--",
        "EXEC sp_configure 'xp_cmdshell', 1",
        "SELECT '<?php echo 1; ?>' INTO OUTFILE '/var/www/html/s.php'",
        "UNION SELECT LOAD_FILE('/etc/passwd')",
        "COPY t FROM PROGRAM 'id'",
    ],
    passes: &[
        "SELECT id, name FROM users WHERE name = 'Bob' OR name = 'Alice';",
        "```sql\nSELECT * FROM orders WHERE status = 'open' AND 1=1 ORDER BY created_at;\n```",
        "SELECT city FROM customers UNION SELECT city FROM suppliers ORDER BY city;",
        "SELECT name FROM a WHERE kind = 'x'\nUNION ALL\nSELECT name FROM b WHERE kind = 'y';",
        "SELECT id, NULL, total FROM a UNION ALL SELECT NULL, name, SUM(total) FROM b GROUP BY name",
        "INSERT INTO logs (text) VALUES ('started');\nDELETE FROM logs WHERE created_at < now() - interval '30 days';",
        "INSERT INTO t VALUES (1, 'a'); DROP TABLE old_t; -- the copy is done",
        "DROP TABLE IF EXISTS users; CREATE TABLE users (id INT PRIMARY KEY);",
        "BEGIN; UPDATE accounts SET balance = balance - 100 WHERE id = 1; COMMIT;",
        "SELECT pg_sleep(1); -- waits a second",
        "import time\nif ready and retries > 3:\n    time.sleep(5)",
        "WAITFOR DELAY '00:00:05';\nSELECT 1;",
        "xp_cmdshell is off by default, and should stay so.",
        "EXEC sp_configure 'xp_cmdshell', 0;",
        "SELECT * FROM orders INTO OUTFILE '/tmp/orders.csv' FIELDS TERMINATED BY ',';",
        "He said 'yes' or 'no', and 1 = 1 was all she wrote.",
        "It's Bob's or Ann's, and it doesn't matter: 2 > 1.",
        "use '--verbose' or '-v' to see more",
        "color: '#fff'; background: '#000'",
        "const name = user.name || 'anonymous';",
        "if (a === 'x' || a === 'y') { return '1' == b; }",
        "WHERE (:name = '' OR name = :name)",
        "WHERE ('' = ? OR status = ?) -- all when empty",
        "the users' -- all of them -- opinions",
        "SELECT CASE WHEN a = 'b' AND (SELECT count(*) FROM c) > 1 THEN 1 ELSE 0 END",
        "DELETE FROM users WHERE id = 5; -- remove the test user",
        "COPY measurements FROM '/srv/data/m.csv' WITH (FORMAT csv);",
        "- name: x\n  when: \"ansible_os_family == 'Debian' or ansible_os_family == 'RedHat'\"",
        "If the state's union selects delegates, the parents' union and teachers' union select theirs, too.",
        "'My dog'; update the calendar, delete from the list what is done",
    ],
};

impl Detector for SqlInjection {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn literals(&self) -> Vec<String> {
        RULES.literals()
    }

    fn begins_word(&self, literal: usize) -> bool {
        RULES.begins_word(literal)
    }

    fn look_behind(&self) -> usize {
        engine::LOOK_BEHIND
    }

    fn prepare(&self) {
        RULES.prepare();
    }

    fn inspect(&self, view: &View<'_>, hits: &[Hit], findings: &mut Findings<'_>) {
        RULES.inspect(view, hits, findings);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_sound() {
        engine::testing::assert_sound(&RULES, &META, SqlInjection.look_behind());
    }
}
