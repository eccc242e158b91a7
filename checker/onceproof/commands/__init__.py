"""What the commands do, one file each: from parsed arguments to text and an exit code."""
