BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE approvals (
	id INTEGER NOT NULL, 
	plan_id INTEGER NOT NULL, 
	decision VARCHAR(20) NOT NULL, 
	who VARCHAR(250) NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(plan_id) REFERENCES plans (id)
);
CREATE TABLE audiences (
	segment VARCHAR(100) NOT NULL, 
	label VARCHAR(100) NOT NULL, 
	platform VARCHAR(50) NOT NULL, 
	connection VARCHAR(250) NOT NULL, 
	name VARCHAR(250) NOT NULL, 
	platform_id VARCHAR(250) NOT NULL, 
	url VARCHAR(1000) NOT NULL, 
	mode VARCHAR(20) NOT NULL, 
	created_at DATETIME NOT NULL, 
	PRIMARY KEY (segment, label)
);
INSERT INTO "audiences" VALUES('people','google_ads_main','google_ads','google_ads_main','People','7000000001','https://ads.google.com/aw/audiences/management','mirror','2026-11-22 03:55:49.894615');
INSERT INTO "audiences" VALUES('people','meta_main','meta','meta_main','People','120210000000000001','https://business.facebook.com/adsmanager/audiences?act=2024001&selected_audience_ids=120210000000000001','mirror','2026-11-22 03:55:50.187406');
CREATE TABLE batches (
	session_id BIGINT NOT NULL, 
	sequence INTEGER NOT NULL, 
	batch_id VARCHAR(64) NOT NULL, 
	part INTEGER NOT NULL, 
	"offset" INTEGER NOT NULL, 
	rows INTEGER NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	attempts INTEGER NOT NULL, 
	accepted INTEGER, 
	rejected JSON, 
	request_id VARCHAR(250), 
	job VARCHAR(1000), 
	job_state VARCHAR(20), 
	requests INTEGER NOT NULL, 
	envelope JSON, 
	sent_at DATETIME, 
	received_at DATETIME, 
	PRIMARY KEY (session_id, sequence), 
	FOREIGN KEY(session_id) REFERENCES sessions (id)
);
INSERT INTO "batches" VALUES(4682182589150207,1,'14570c68b05b7c46927306152af48541',0,0,20,'received',1,20,'[]','8a71ea52-31ae-4410-a0e2-de4d52ddeb11','8a71ea52-31ae-4410-a0e2-de4d52ddeb11','done',1,'{"sessionId": 4682182589150207, "sequence": 1, "totalBatches": 1, "totalUsers": 20, "pullDate": "2026-11-22"}','2026-11-22 03:55:49.914855','2026-11-22 03:55:49.924458');
INSERT INTO "batches" VALUES(2087239297673159,1,'537943354e65964da886d988873e15ab',0,0,20,'received',1,20,'[]','sandbox',NULL,'done',1,'{"sessionId": 2087239297673159, "sequence": 1, "totalBatches": 1, "totalUsers": 20, "pullDate": "2026-11-22"}','2026-11-22 03:55:50.214802','2026-11-22 03:55:50.220993');
CREATE TABLE generations (
	segment VARCHAR(100) NOT NULL, 
	label VARCHAR(100) NOT NULL, 
	number INTEGER NOT NULL, 
	plan_id INTEGER NOT NULL, 
	path VARCHAR(500) NOT NULL, 
	members INTEGER NOT NULL, 
	sealed_at DATETIME NOT NULL, 
	forgotten BOOLEAN NOT NULL, 
	PRIMARY KEY (segment, label, number), 
	FOREIGN KEY(plan_id) REFERENCES plans (id)
);
INSERT INTO "generations" VALUES('people','google_ads_main',1,1,'people/generations/google_ads_main/00000001.parquet',20,'2026-11-22 03:55:50.144950',0);
INSERT INTO "generations" VALUES('people','meta_main',1,2,'people/generations/meta_main/00000002.parquet',20,'2026-11-22 03:55:50.363418',0);
CREATE TABLE leases (
	segment VARCHAR(100) NOT NULL, 
	holder VARCHAR(400) NOT NULL, 
	expires_at DATETIME NOT NULL, 
	PRIMARY KEY (segment)
);
CREATE TABLE plans (
	id INTEGER NOT NULL, 
	segment VARCHAR(100) NOT NULL, 
	label VARCHAR(100) NOT NULL, 
	run_id VARCHAR(250) NOT NULL, 
	attempt INTEGER NOT NULL, 
	basis VARCHAR(64) NOT NULL, 
	path VARCHAR(500) NOT NULL, 
	counts JSON NOT NULL, 
	breaches JSON NOT NULL, 
	dry BOOLEAN NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	created_at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (segment, label, run_id, attempt)
);
INSERT INTO "plans" VALUES(1,'people','google_ads_main','cli__2026-11-22T03:55:48.868Z',1,'fc12779fb43e216acb7f295b40c9a1a64f75d5ad851bd40a910996837df988d8','people/plans/google_ads_main/cli__2026-11-22T03-55-48.868Z-6fa4c42a-1','{"wanted": 20, "held": 0, "new": 20, "gone": 0, "changed": 0, "renewed": 0, "resent": 0, "without_key": 0, "without_value": 0, "with_email": 20}','[]',0,'sealed','2026-11-22 03:55:49.352020');
INSERT INTO "plans" VALUES(2,'people','meta_main','cli__2026-11-22T03:55:48.868Z',1,'0554e72ab614aa77ed54ba804087fd1113935da4ea2a5d17d805e1109a14768c','people/plans/meta_main/cli__2026-11-22T03-55-48.868Z-6fa4c42a-1','{"wanted": 20, "held": 0, "new": 20, "gone": 0, "changed": 0, "renewed": 0, "resent": 0, "without_key": 0, "without_value": 0, "with_email": 20}','[]',0,'sealed','2026-11-22 03:55:50.168804');
CREATE TABLE runs (
	segment VARCHAR(100) NOT NULL, 
	run_id VARCHAR(250) NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	started_at DATETIME NOT NULL, 
	ended_at DATETIME, 
	prepared_path VARCHAR(500), 
	drops JSON, 
	report JSON, 
	PRIMARY KEY (segment, run_id)
);
INSERT INTO "runs" VALUES('people','cli__2026-11-22T03:55:48.868Z','sealed','2026-11-22 03:55:49.322383','2026-11-22 03:55:50.389397','people/runs/cli__2026-11-22T03-55-48.868Z-6fa4c42a/035549.219313-6614027f','{"read": 20, "prepared": 20, "rows": {}, "keys": {}, "phones": {"US": {"kept": 20, "valid": 20}}}','{"segment": "people", "run_id": "cli__2026-11-22T03:55:48.868Z", "drops": {"read": 20, "prepared": 20, "rows": {}, "keys": {}, "phones": {"US": {"kept": 20, "valid": 20}}}, "destinations": [{"label": "google_ads_main", "platform": "google_ads", "audience": "People", "state": "sealed", "url": "https://ads.google.com/aw/audiences/management", "wanted": 20, "held": 0, "added": 20, "removed": 0, "renewed": 0, "rows_planned": 20, "rows_accepted": 20, "rejected": {}, "unconfirmed": 0, "unsent": 0, "without_key": 0, "without_value": 0, "requests": 5, "batches": 1, "seconds": 0.19, "generation": 1, "members": 20, "size": null, "match_rate": null, "breaches": []}, {"label": "meta_main", "platform": "meta", "audience": "People", "state": "sealed", "url": "https://business.facebook.com/adsmanager/audiences?act=2024001&selected_audience_ids=120210000000000001", "wanted": 20, "held": 0, "added": 20, "removed": 0, "renewed": 0, "rows_planned": 20, "rows_accepted": 20, "rejected": {}, "unconfirmed": 0, "unsent": 0, "without_key": 0, "without_value": 0, "requests": 5, "batches": 1, "seconds": 0.15, "generation": 1, "members": 20, "size": null, "match_rate": null, "breaches": []}], "state": "sealed"}');
CREATE TABLE sessions (
	id BIGINT NOT NULL, 
	plan_id INTEGER NOT NULL, 
	operation VARCHAR(20) NOT NULL, 
	members INTEGER NOT NULL, 
	rows INTEGER NOT NULL, 
	batches INTEGER NOT NULL, 
	parts INTEGER NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	handle JSON NOT NULL, 
	polls INTEGER NOT NULL, 
	match_rate VARCHAR(50), 
	requests INTEGER NOT NULL, 
	rejected_later JSON NOT NULL, 
	opened_at DATETIME, 
	closed_at DATETIME, 
	settled_at DATETIME, 
	PRIMARY KEY (id), 
	FOREIGN KEY(plan_id) REFERENCES plans (id)
);
INSERT INTO "sessions" VALUES(4682182589150207,1,'add',20,20,1,1,'settled','{"match_rate": null, "troubled": false}',1,NULL,4,'{}','2026-11-22 03:55:49.897507','2026-11-22 03:55:49.936602','2026-11-22 03:55:50.092291');
INSERT INTO "sessions" VALUES(2087239297673159,2,'add',20,20,1,1,'settled','{}',1,NULL,4,'{}','2026-11-22 03:55:50.189413','2026-11-22 03:55:50.224909','2026-11-22 03:55:50.343577');
CREATE INDEX ix_plans_audience ON plans (segment, label, id);
CREATE INDEX ix_sessions_plan ON sessions (plan_id);
CREATE INDEX ix_batches_id ON batches (batch_id);
COMMIT;
