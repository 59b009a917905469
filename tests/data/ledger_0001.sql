BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE approval (
	id VARCHAR NOT NULL, 
	model_version_id VARCHAR NOT NULL, 
	identity VARCHAR NOT NULL, 
	role VARCHAR NOT NULL, 
	comment TEXT NOT NULL, 
	given DATETIME NOT NULL, 
	CONSTRAINT pk_approval PRIMARY KEY (id), 
	CONSTRAINT fk_approval_model_version_id FOREIGN KEY(model_version_id) REFERENCES model_version (id), 
	CONSTRAINT uq_approval_model_version_id_identity UNIQUE (model_version_id, identity)
);
INSERT INTO "approval" VALUES('app_01kjmma2g0kjejb0kykn0j00aw','mod_01kjmma2g0kjejb0kykn0j00av','ben','reviewer','it''s fine','2026-03-01 12:00:00.000000');
CREATE TABLE audit (
	sequence BIGINT NOT NULL, 
	moment DATETIME NOT NULL, 
	actor VARCHAR NOT NULL, 
	action VARCHAR NOT NULL, 
	subject VARCHAR NOT NULL, 
	details TEXT NOT NULL, 
	previous_hash VARCHAR NOT NULL, 
	hash VARCHAR NOT NULL, 
	CONSTRAINT pk_audit PRIMARY KEY (sequence), 
	CONSTRAINT uq_audit_hash UNIQUE (hash)
);
INSERT INTO "audit" VALUES(1,'2026-03-01 12:00:00.000000','ana','run.start','run_01kjmma2g0ed304aewfeaggbk3','{"code":"c","project":"returns"}','0000000000000000000000000000000000000000000000000000000000000000','01b2abe86b6fead8584fee31c64633d64247b35350db179bf7428080d7f97355');
INSERT INTO "audit" VALUES(2,'2026-03-01 12:00:00.000000','ana','step.record','run_01kjmma2g0ed304aewfeaggbk3','{"accepted":2,"charged_usd":"0.015000000000","fingerprint":"","model":"returned","number":1,"quarantined":1,"steps":{"ingest:orders":"done"},"table":"orders","transitions":[{"from":"candidate","reason":"","to":"awaiting_approval","version":"mod_01kjmma2g0kjejb0kykn0j00av"}],"version":0}','01b2abe86b6fead8584fee31c64633d64247b35350db179bf7428080d7f97355','3514c7dd5ab4543fa053eba603436ab49fd0f572f6fcec0b8efe0b2448a43f2d');
INSERT INTO "audit" VALUES(3,'2026-03-01 12:00:00.000000','ben','approve','mod_01kjmma2g0kjejb0kykn0j00av','{"approval":"app_01kjmma2g0kjejb0kykn0j00aw","comment":"it''s fine","role":"reviewer","transitions":[{"from":"awaiting_approval","reason":"","to":"approved","version":"mod_01kjmma2g0kjejb0kykn0j00av"},{"from":"approved","reason":"","to":"champion","version":"mod_01kjmma2g0kjejb0kykn0j00av"}]}','3514c7dd5ab4543fa053eba603436ab49fd0f572f6fcec0b8efe0b2448a43f2d','df12bed392daced1b7059b9d001a625a389f83c5b022a34b2adf0822eaaf0c7d');
INSERT INTO "audit" VALUES(4,'2026-03-01 12:00:00.000000','ana','run.finish','run_01kjmma2g0ed304aewfeaggbk3','{"runs":{"run_01kjmma2g0ed304aewfeaggbk3":"finished"}}','df12bed392daced1b7059b9d001a625a389f83c5b022a34b2adf0822eaaf0c7d','d92c976d7180c59d1deaec6d345e95a6e65448e7c9769a1bffda691c2eecd5aa');
CREATE TABLE audit_head (
	id INTEGER NOT NULL, 
	sequence BIGINT NOT NULL, 
	hash VARCHAR NOT NULL, 
	CONSTRAINT pk_audit_head PRIMARY KEY (id), 
	CONSTRAINT ck_audit_head_one_row CHECK (id = 1)
);
INSERT INTO "audit_head" VALUES(1,4,'d92c976d7180c59d1deaec6d345e95a6e65448e7c9769a1bffda691c2eecd5aa');
CREATE TABLE charge (
	id VARCHAR NOT NULL, 
	project VARCHAR NOT NULL, 
	run_id VARCHAR, 
	step VARCHAR, 
	model VARCHAR, 
	model_version_id VARCHAR, 
	resource VARCHAR NOT NULL, 
	quantity FLOAT NOT NULL, 
	unit VARCHAR NOT NULL, 
	unit_price_usd TEXT NOT NULL, 
	amount_usd TEXT NOT NULL, 
	catalogue VARCHAR NOT NULL, 
	charged DATETIME NOT NULL, 
	CONSTRAINT pk_charge PRIMARY KEY (id), 
	CONSTRAINT fk_charge_model_version_id FOREIGN KEY(model_version_id) REFERENCES model_version (id), 
	CONSTRAINT fk_charge_run_id FOREIGN KEY(run_id) REFERENCES run (id)
);
INSERT INTO "charge" VALUES('chg_01kjmma2g0ed304aewfeaggbk4','returns','run_01kjmma2g0ed304aewfeaggbk3','ingest:orders',NULL,NULL,'cpu',1.5,'s','0.010000000000','0.015000000000','c','2026-03-01 12:00:00.000000');
CREATE TABLE contract_result (
	table_version_id VARCHAR NOT NULL, 
	position INTEGER NOT NULL, 
	rule VARCHAR NOT NULL, 
	severity VARCHAR NOT NULL, 
	passed BOOLEAN NOT NULL, 
	failing_rows BIGINT NOT NULL, 
	message TEXT NOT NULL, 
	CONSTRAINT pk_contract_result PRIMARY KEY (table_version_id, position), 
	CONSTRAINT fk_contract_result_table_version_id FOREIGN KEY(table_version_id) REFERENCES table_version (id)
);
CREATE TABLE evaluation (
	id VARCHAR NOT NULL, 
	run_id VARCHAR NOT NULL, 
	model_version_id VARCHAR, 
	model VARCHAR NOT NULL, 
	candidate VARCHAR NOT NULL, 
	split VARCHAR NOT NULL, 
	rows BIGINT NOT NULL, 
	rows_fingerprint VARCHAR NOT NULL, 
	details TEXT NOT NULL, 
	created DATETIME NOT NULL, 
	CONSTRAINT pk_evaluation PRIMARY KEY (id), 
	CONSTRAINT fk_evaluation_model_version_id FOREIGN KEY(model_version_id) REFERENCES model_version (id), 
	CONSTRAINT fk_evaluation_run_id FOREIGN KEY(run_id) REFERENCES run (id)
);
CREATE TABLE gate_result (
	model_version_id VARCHAR NOT NULL, 
	position INTEGER NOT NULL, 
	gate VARCHAR NOT NULL, 
	passed BOOLEAN NOT NULL, 
	message TEXT NOT NULL, 
	measured TEXT NOT NULL, 
	judged DATETIME NOT NULL, 
	CONSTRAINT pk_gate_result PRIMARY KEY (model_version_id, position), 
	CONSTRAINT fk_gate_result_model_version_id FOREIGN KEY(model_version_id) REFERENCES model_version (id)
);
CREATE TABLE memo (
	fingerprint VARCHAR NOT NULL, 
	step_name VARCHAR NOT NULL, 
	output TEXT NOT NULL, 
	saved DATETIME NOT NULL, 
	CONSTRAINT pk_memo PRIMARY KEY (fingerprint)
);
INSERT INTO "memo" VALUES('f','ingest:orders','{"rows":3}','2026-03-01 12:00:00.000000');
CREATE TABLE metric (
	evaluation_id VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	value FLOAT, 
	low FLOAT, 
	high FLOAT, 
	CONSTRAINT pk_metric PRIMARY KEY (evaluation_id, name), 
	CONSTRAINT fk_metric_evaluation_id FOREIGN KEY(evaluation_id) REFERENCES evaluation (id)
);
CREATE TABLE model_input (
	model_version_id VARCHAR NOT NULL, 
	table_version_id VARCHAR NOT NULL, 
	CONSTRAINT pk_model_input PRIMARY KEY (model_version_id, table_version_id), 
	CONSTRAINT fk_model_input_model_version_id FOREIGN KEY(model_version_id) REFERENCES model_version (id), 
	CONSTRAINT fk_model_input_table_version_id FOREIGN KEY(table_version_id) REFERENCES table_version (id)
);
INSERT INTO "model_input" VALUES('mod_01kjmma2g0kjejb0kykn0j00av','tab_01kjmma2g0jd4qdv1by61wbptn');
CREATE TABLE model_version (
	id VARCHAR NOT NULL, 
	project VARCHAR NOT NULL, 
	model VARCHAR NOT NULL, 
	number INTEGER NOT NULL, 
	state VARCHAR NOT NULL, 
	run_id VARCHAR NOT NULL, 
	candidate VARCHAR NOT NULL, 
	task VARCHAR NOT NULL, 
	fingerprint VARCHAR NOT NULL, 
	bundle_fingerprint VARCHAR, 
	bundle_location VARCHAR, 
	details TEXT NOT NULL, 
	created DATETIME NOT NULL, 
	promoted DATETIME, 
	retired DATETIME, 
	CONSTRAINT pk_model_version PRIMARY KEY (id), 
	CONSTRAINT fk_model_version_run_id FOREIGN KEY(run_id) REFERENCES run (id), 
	CONSTRAINT uq_model_version_project_model_number UNIQUE (project, model, number)
);
INSERT INTO "model_version" VALUES('mod_01kjmma2g0kjejb0kykn0j00av','returns','returned',1,'champion','run_01kjmma2g0ed304aewfeaggbk3','logistic','binary','',NULL,NULL,'{}','2026-03-01 12:00:00.000000','2026-03-01 12:00:00.000000',NULL);
CREATE TABLE prediction_batch (
	id VARCHAR NOT NULL, 
	project VARCHAR NOT NULL, 
	model VARCHAR NOT NULL, 
	model_version_id VARCHAR NOT NULL, 
	source VARCHAR NOT NULL, 
	predictions BIGINT NOT NULL, 
	cpu_seconds FLOAT NOT NULL, 
	wall_seconds FLOAT NOT NULL, 
	first DATETIME NOT NULL, 
	last DATETIME NOT NULL, 
	location VARCHAR NOT NULL, 
	recorded DATETIME NOT NULL, 
	CONSTRAINT pk_prediction_batch PRIMARY KEY (id), 
	CONSTRAINT fk_prediction_batch_model_version_id FOREIGN KEY(model_version_id) REFERENCES model_version (id)
);
CREATE TABLE run (
	id VARCHAR NOT NULL, 
	project VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	actor VARCHAR NOT NULL, 
	code VARCHAR NOT NULL, 
	seed BIGINT NOT NULL, 
	started DATETIME NOT NULL, 
	finished DATETIME, 
	error TEXT, 
	details TEXT NOT NULL, 
	summary TEXT NOT NULL, 
	CONSTRAINT pk_run PRIMARY KEY (id)
);
INSERT INTO "run" VALUES('run_01kjmma2g0ed304aewfeaggbk3','returns','run','finished','ana','c',0,'2026-03-01 12:00:00.000000','2026-03-01 12:00:00.000000',NULL,'{}','{}');
CREATE TABLE step (
	run_id VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	fingerprint VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	started DATETIME, 
	finished DATETIME NOT NULL, 
	wall_seconds FLOAT NOT NULL, 
	cpu_seconds FLOAT NOT NULL, 
	peak_bytes BIGINT NOT NULL, 
	read_bytes BIGINT NOT NULL, 
	written_bytes BIGINT NOT NULL, 
	error TEXT, 
	output TEXT NOT NULL, 
	CONSTRAINT pk_step PRIMARY KEY (run_id, name), 
	CONSTRAINT fk_step_run_id FOREIGN KEY(run_id) REFERENCES run (id)
);
INSERT INTO "step" VALUES('run_01kjmma2g0ed304aewfeaggbk3','ingest:orders','f','done',NULL,'2026-03-01 12:00:00.000000',0.0,0.0,0,0,0,NULL,'{"rows":3}');
CREATE TABLE table_version (
	id VARCHAR NOT NULL, 
	project VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	version BIGINT NOT NULL, 
	quarantine_version BIGINT, 
	fingerprint VARCHAR NOT NULL, 
	types TEXT NOT NULL, 
	rows_in BIGINT NOT NULL, 
	accepted BIGINT NOT NULL, 
	quarantined BIGINT NOT NULL, 
	duplicates BIGINT NOT NULL, 
	profile TEXT NOT NULL, 
	run_id VARCHAR, 
	created DATETIME NOT NULL, 
	CONSTRAINT pk_table_version PRIMARY KEY (id), 
	CONSTRAINT ck_table_version_no_row_lost CHECK (rows_in = accepted + quarantined + duplicates), 
	CONSTRAINT fk_table_version_run_id FOREIGN KEY(run_id) REFERENCES run (id)
);
INSERT INTO "table_version" VALUES('tab_01kjmma2g0jd4qdv1by61wbptn','returns','orders',0,NULL,'f','{"a":"int"}',3,2,1,0,'{}','run_01kjmma2g0ed304aewfeaggbk3','2026-03-01 12:00:00.000000');
CREATE TABLE test_look (
	test_fingerprint VARCHAR NOT NULL, 
	number INTEGER NOT NULL, 
	model_version_id VARCHAR NOT NULL, 
	actor VARCHAR NOT NULL, 
	looked DATETIME NOT NULL, 
	CONSTRAINT pk_test_look PRIMARY KEY (test_fingerprint, number), 
	CONSTRAINT fk_test_look_model_version_id FOREIGN KEY(model_version_id) REFERENCES model_version (id), 
	CONSTRAINT uq_test_look_test_fingerprint_model_version_id UNIQUE (test_fingerprint, model_version_id)
);
CREATE TABLE token (
	id VARCHAR NOT NULL, 
	identity VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	hash VARCHAR NOT NULL, 
	issued_by VARCHAR NOT NULL, 
	issued DATETIME NOT NULL, 
	revoked DATETIME, 
	CONSTRAINT pk_token PRIMARY KEY (id), 
	CONSTRAINT uq_token_hash UNIQUE (hash)
);
CREATE INDEX ix_run_project_id ON run (project, id);
CREATE INDEX ix_run_state_project ON run (state, project);
CREATE INDEX ix_step_fingerprint ON step (fingerprint);
CREATE INDEX ix_table_version_project_name_id ON table_version (project, name, id);
CREATE INDEX ix_table_version_run_id ON table_version (run_id);
CREATE INDEX ix_model_version_bundle_fingerprint ON model_version (bundle_fingerprint);
CREATE INDEX ix_model_version_run_id ON model_version (run_id);
CREATE UNIQUE INDEX one_champion ON model_version (project, model) WHERE state = 'champion';
CREATE INDEX ix_model_input_table_version_id ON model_input (table_version_id);
CREATE INDEX ix_evaluation_model_version_id ON evaluation (model_version_id);
CREATE INDEX ix_evaluation_run_id ON evaluation (run_id);
CREATE INDEX ix_test_look_model_version_id ON test_look (model_version_id);
CREATE INDEX ix_token_identity ON token (identity);
CREATE INDEX ix_charge_model_version_id ON charge (model_version_id);
CREATE INDEX ix_charge_project_model ON charge (project, model);
CREATE INDEX ix_charge_run_id ON charge (run_id);
CREATE INDEX ix_prediction_batch_model_version_id ON prediction_batch (model_version_id);
CREATE INDEX ix_prediction_batch_project_model ON prediction_batch (project, model);
CREATE INDEX ix_audit_subject ON audit (subject);
CREATE TRIGGER audit_is_never_updated BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_is_never_deleted BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_head_only_advances BEFORE UPDATE ON audit_head WHEN NEW.id <> OLD.id OR NEW.sequence <> OLD.sequence + 1 BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_is_only_appended_to BEFORE INSERT ON audit WHEN NOT EXISTS (SELECT 1 FROM audit_head WHERE NEW.sequence = sequence + 1 AND NEW.previous_hash = hash) OR EXISTS (SELECT 1 FROM audit WHERE hash = NEW.hash) BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_head_is_one BEFORE INSERT ON audit_head WHEN EXISTS (SELECT 1 FROM audit_head) BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_head_is_never_deleted BEFORE DELETE ON audit_head BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
COMMIT;
