"""Stories of the incidents: what is printed for each design before its fix."""
