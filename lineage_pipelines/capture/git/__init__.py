"""What Git knows of the code: commit, branch, remote, and the uncommitted work as a patch."""
