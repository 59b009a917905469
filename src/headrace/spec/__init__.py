"""The project as declared: frozen values and their validation. No IO."""
