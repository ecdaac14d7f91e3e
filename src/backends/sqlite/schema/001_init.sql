-- KeepMQ tables in a SQLite file. Times are UTC text: YYYY-MM-DD HH:MM:SS.ffffff
-- AUTOINCREMENT: an id is never used twice, also not after rows were deleted; read positions rely on it.

create table if not exists mqtt_client (
    id         integer primary key autoincrement,
    clientid   text not null unique,
    state      text,                    -- '1' online, '0' offline
    node       text,
    online_at  text,
    offline_at text,                    -- null while the client is online
    created    text default (strftime('%Y-%m-%d %H:%M:%f', 'now') || '000')
);

-- Subscriptions that the broker makes for a client when it connects; you fill this table.
create table if not exists mqtt_sub (
    id         integer primary key autoincrement,
    clientid   text not null,
    topic      text not null,
    qos        integer,
    created    text default (strftime('%Y-%m-%d %H:%M:%f', 'now') || '000'),
    unique (clientid, topic)
);

create table if not exists mqtt_msg (
    id         integer primary key autoincrement,   -- the order of the store
    msgid      text unique,
    topic      text not null,
    sender     text,
    node       text,
    qos        integer not null default 0,
    retain     integer,
    payload    blob,
    arrived    text not null,
    properties text                     -- MQTT 5 properties as JSON, null if there are none
);
-- An index of SQLite ends with the row id, so this one serves (topic, id).
create index if not exists mqtt_msg_topic on mqtt_msg (topic);

create table if not exists mqtt_retain (
    id         integer primary key autoincrement,
    topic      text not null unique,
    msgid      text,
    sender     text,
    node       text,
    qos        integer,
    payload    blob,
    arrived    text not null default (strftime('%Y-%m-%d %H:%M:%f', 'now') || '000'),
    properties text
);

create table if not exists mqtt_acked (
    id         integer primary key autoincrement,
    clientid   text not null,
    topic      text not null,           -- a topic, or a filter with wildcards
    mid        integer,                 -- mqtt_msg.id of the last acknowledged message, 0 at the start
    created    text,
    unique (clientid, topic)
);
