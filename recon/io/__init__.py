"""The only folder that touches the world: files, database, network, workbooks, locks."""
