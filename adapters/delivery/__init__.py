"""What all platforms share to show an answer growing: splitting, pacing, recording, and editing in place."""
