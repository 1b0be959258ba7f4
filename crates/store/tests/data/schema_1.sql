-- A log as schema version 1 and record version 1 wrote it: four keys, two of them under a shopper's number, and two
-- identities. Never edited: it stands for the data directories that are out there.
CREATE TABLE entry (offset INTEGER PRIMARY KEY, received_ms INTEGER NOT NULL, kind INTEGER NOT NULL,
    shopper_no INTEGER, body BLOB NOT NULL) STRICT;
CREATE TABLE identity (shopper_no INTEGER PRIMARY KEY, kind INTEGER NOT NULL, external_id TEXT NOT NULL) STRICT;
INSERT INTO entry VALUES (1, 1780000000000, 4, NULL, X'010311111111111111111111111111111111111111111111111111111111111111110000');
INSERT INTO entry VALUES (2, 1780000000000, 4, 7,    X'0103abababababababababababababababababababababababababababababababab0100');
INSERT INTO entry VALUES (3, 1780000000250, 4, NULL, X'010311111111111111111111111111111111111111111111111111111111111111110001');
INSERT INTO entry VALUES (4, 1780000001000, 4, 7,    X'0103abababababababababababababababababababababababababababababababab0101');
INSERT INTO identity VALUES (7, 0, 'cookie-7');
INSERT INTO identity VALUES (9, 1, 'customer-9');
PRAGMA user_version = 1;
