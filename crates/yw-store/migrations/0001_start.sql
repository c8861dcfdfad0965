-- 'YWst': tells this database from any other SQLite file.
PRAGMA application_id = 1498903412;

-- One row per migration that was applied.
CREATE TABLE schema_history (
    version INTEGER PRIMARY KEY,
    applied INTEGER NOT NULL, -- like every time here: microseconds since the Unix epoch
    program TEXT NOT NULL     -- the version of the program that did it
) STRICT;

-- One row per run; `record` is the JSON contract of `yw run --format json`.
CREATE TABLE runs (
    run     TEXT PRIMARY KEY,
    task    TEXT NOT NULL,
    started INTEGER NOT NULL,
    record  TEXT NOT NULL
) STRICT;
CREATE INDEX runs_by_start ON runs (started);

-- Who answered when: never updated, never deleted. The champion of a task is in its last row.
CREATE TABLE promotions (
    promotion INTEGER PRIMARY KEY AUTOINCREMENT,
    task      TEXT NOT NULL,
    candidate TEXT NOT NULL,
    artifact  TEXT NOT NULL,
    run       TEXT NOT NULL,
    at        INTEGER NOT NULL,
    restores  INTEGER REFERENCES promotions (promotion) -- set where the row takes a promotion back
) STRICT;
CREATE INDEX promotions_by_task ON promotions (task, promotion);

-- Paid answers of providers, under a key made of everything that could change them.
CREATE TABLE replies (
    key   BLOB PRIMARY KEY,
    reply BLOB NOT NULL,
    at    INTEGER NOT NULL
) STRICT;

-- Served answers, in the order in which they were taken over from the segments.
CREATE TABLE log (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id       TEXT NOT NULL UNIQUE,
    task     TEXT NOT NULL,
    at       INTEGER NOT NULL,
    record   TEXT NOT NULL
) STRICT;
CREATE INDEX log_by_task ON log (task, position);
CREATE INDEX log_by_time ON log (task, at);

-- What was learned later about a served answer.
CREATE TABLE feedback (
    feedback INTEGER PRIMARY KEY AUTOINCREMENT,
    id       TEXT NOT NULL REFERENCES log (id),
    record   TEXT NOT NULL
) STRICT;
CREATE INDEX feedback_by_id ON feedback (id);
