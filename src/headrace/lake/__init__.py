"""Where bytes live: versioned Delta tables and content-addressed blobs, in a folder or behind a URL."""
