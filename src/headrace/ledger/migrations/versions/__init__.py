"""One module a migration; `schema_version.HEAD` names the newest."""
