"""Who may do what: staff and their sessions, API tokens, trusted networks, the audit trail."""
