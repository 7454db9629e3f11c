"""What a DVC project declares and records: stages, tracked files, and what dvc.lock says of them."""
