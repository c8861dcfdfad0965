-- One row per call of the gateway. `record` has everything; the other columns are what calls are found and summed by.
CREATE TABLE calls (
    call             INTEGER PRIMARY KEY,
    id               TEXT NOT NULL UNIQUE,
    at               INTEGER NOT NULL,
    segment          INTEGER NOT NULL, -- when the segment it came from was begun, in milliseconds since the Unix epoch
    key              TEXT,
    key_name         TEXT,
    route            TEXT,
    provider         TEXT,
    model            TEXT,
    operation        TEXT NOT NULL,
    status           INTEGER NOT NULL,
    is_failure       INTEGER NOT NULL,
    is_refused       INTEGER NOT NULL, -- turned away before it took anything: counts against no limit
    is_cached        INTEGER NOT NULL,
    is_priced        INTEGER NOT NULL,
    is_estimated     INTEGER NOT NULL,
    input            INTEGER NOT NULL, -- this and those down to `input_image`: tokens
    output           INTEGER NOT NULL,
    cached           INTEGER NOT NULL,
    cache_write      INTEGER NOT NULL,
    cache_write_hour INTEGER NOT NULL,
    reasoning        INTEGER NOT NULL,
    input_audio      INTEGER NOT NULL,
    output_audio     INTEGER NOT NULL,
    input_image      INTEGER NOT NULL,
    picos            INTEGER NOT NULL, -- what it cost, in picodollars: whole numbers, so that sums are exact
    bytes            INTEGER NOT NULL, -- about what the row takes on the disk
    record           TEXT NOT NULL
) STRICT;

-- Everything that calls are found by, so that looking for some passes over the others quickly.
CREATE INDEX calls_by_time ON calls (at, key, key_name, route, provider, model, status, is_failure);

-- How long all calls are together.
CREATE TABLE calls_size (bytes INTEGER NOT NULL) STRICT;
INSERT INTO calls_size VALUES (0);

-- Calls of one hour that have everything in common that is asked for, taken together: a report looks at few rows, and
-- limits that look back a month remember what was spent, whatever has become of the calls. Empty text is none.
CREATE TABLE call_sums (
    hour             INTEGER NOT NULL, -- hours since the Unix epoch
    key              TEXT NOT NULL,
    key_name         TEXT NOT NULL,
    route            TEXT NOT NULL,
    provider         TEXT NOT NULL,
    model            TEXT NOT NULL,
    status           INTEGER NOT NULL,
    is_failure       INTEGER NOT NULL,
    is_refused       INTEGER NOT NULL,
    calls            INTEGER NOT NULL,
    from_cache       INTEGER NOT NULL, -- this and the next two: how many of the calls
    estimated        INTEGER NOT NULL,
    unpriced         INTEGER NOT NULL, -- with tokens and no price
    input            INTEGER NOT NULL, -- this and those down to `input_image`: tokens
    output           INTEGER NOT NULL,
    cached           INTEGER NOT NULL,
    cache_write      INTEGER NOT NULL,
    cache_write_hour INTEGER NOT NULL,
    reasoning        INTEGER NOT NULL,
    input_audio      INTEGER NOT NULL,
    output_audio     INTEGER NOT NULL,
    input_image      INTEGER NOT NULL,
    micros           INTEGER NOT NULL, -- dollars: the whole millionths of each call
    picos            INTEGER NOT NULL, -- dollars: the rest of each, in picodollars, not carried over
    PRIMARY KEY (hour, key, key_name, route, provider, model, status, is_failure, is_refused)
) STRICT, WITHOUT ROWID;

-- Triggers, because a call that is brought in again, and therefore is not inserted, must not count again.
CREATE TRIGGER calls_inserted AFTER INSERT ON calls BEGIN
    UPDATE calls_size SET bytes = bytes + NEW.bytes;
    INSERT INTO call_sums VALUES (
        NEW.at / 3600000000, coalesce(NEW.key, ''), coalesce(NEW.key_name, ''), coalesce(NEW.route, ''),
        coalesce(NEW.provider, ''), coalesce(NEW.model, ''), NEW.status, NEW.is_failure, NEW.is_refused, 1,
        NEW.is_cached, NEW.is_estimated, NOT NEW.is_priced AND (NEW.input OR NEW.output), NEW.input, NEW.output,
        NEW.cached, NEW.cache_write, NEW.cache_write_hour, NEW.reasoning, NEW.input_audio, NEW.output_audio,
        NEW.input_image, NEW.picos / 1000000, NEW.picos % 1000000
    )
    ON CONFLICT DO UPDATE SET
        calls = calls + 1,
        from_cache = from_cache + excluded.from_cache,
        estimated = estimated + excluded.estimated,
        unpriced = unpriced + excluded.unpriced,
        input = input + excluded.input,
        output = output + excluded.output,
        cached = cached + excluded.cached,
        cache_write = cache_write + excluded.cache_write,
        cache_write_hour = cache_write_hour + excluded.cache_write_hour,
        reasoning = reasoning + excluded.reasoning,
        input_audio = input_audio + excluded.input_audio,
        output_audio = output_audio + excluded.output_audio,
        input_image = input_image + excluded.input_image,
        micros = micros + excluded.micros,
        picos = picos + excluded.picos;
END;
CREATE TRIGGER calls_deleted AFTER DELETE ON calls BEGIN
    UPDATE calls_size SET bytes = bytes - OLD.bytes;
END;

-- Keys of the gateway's clients; of each only what it is recognised by.
CREATE TABLE keys (
    id      TEXT PRIMARY KEY,
    name    TEXT NOT NULL,
    hash    BLOB NOT NULL UNIQUE,
    created INTEGER NOT NULL,
    expires INTEGER,
    revoked INTEGER,
    spec    TEXT NOT NULL -- JSON: what the key may do; the gateway's business
) STRICT;
CREATE UNIQUE INDEX keys_by_name ON keys (name) WHERE revoked IS NULL;

-- Grows with every change of `keys`.
CREATE TABLE keys_version (version INTEGER NOT NULL) STRICT;
INSERT INTO keys_version VALUES (0);
CREATE TRIGGER keys_inserted AFTER INSERT ON keys BEGIN UPDATE keys_version SET version = version + 1; END;
CREATE TRIGGER keys_updated AFTER UPDATE ON keys BEGIN UPDATE keys_version SET version = version + 1; END;
CREATE TRIGGER keys_deleted AFTER DELETE ON keys BEGIN UPDATE keys_version SET version = version + 1; END;

-- Answers that may be given again, under a key made of everything that could change them.
CREATE TABLE response_cache (
    key          BLOB PRIMARY KEY,
    at           INTEGER NOT NULL,
    expires      INTEGER NOT NULL,
    content_type TEXT NOT NULL,
    bytes        INTEGER NOT NULL, -- about what the row takes on the disk
    body         BLOB NOT NULL
) STRICT;
CREATE INDEX response_cache_by_time ON response_cache (at, bytes);
CREATE INDEX response_cache_by_end ON response_cache (expires);
