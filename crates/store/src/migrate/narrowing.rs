//! What a migration's text says of older programs.

/// A statement that programs from before it can't work with.
pub(super) fn narrowing(sql: &str) -> Option<&str> {
    let text = sql.lines().filter(|line| !line.starts_with("--"));
    let mut in_table = false;
    for line in text {
        let words = line.to_ascii_uppercase();
        in_table = words.starts_with("CREATE TABLE") || in_table && !words.starts_with(')');
        let narrows = [
            "DROP ",
            "RENAME ",
            "CREATE UNIQUE INDEX",
            "DELETE FROM ",
            "ALTER COLUMN",
        ];
        let wants = words.contains("NOT NULL") && !words.contains("DEFAULT");
        if narrows.iter().any(|word| words.contains(word)) || wants && !in_table {
            return Some(line);
        }
    }
    None
}

#[test]
fn f66_what_narrows_is_told_from_what_adds() {
    let adds = "CREATE TABLE t (\n    id BYTEA NOT NULL PRIMARY KEY\n);\n\
                ALTER TABLE users ADD COLUMN a BIGINT NOT NULL DEFAULT 0;\n\
                ALTER TABLE users ADD COLUMN b TEXT;\nCREATE INDEX i ON t (id);";
    assert_eq!(narrowing(adds), None);
    for narrows in [
        "ALTER TABLE users DROP COLUMN name;",
        "DROP TABLE users;",
        "ALTER TABLE users RENAME COLUMN name TO names;",
        "ALTER TABLE users ADD COLUMN a BIGINT NOT NULL;",
        "CREATE UNIQUE INDEX i ON users (name);",
        "DELETE FROM users;",
    ] {
        let after = format!("{adds}\n{narrows}");
        assert_eq!(narrowing(&after), Some(narrows));
    }
}
