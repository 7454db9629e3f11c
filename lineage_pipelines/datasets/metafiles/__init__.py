"""The files in which DVC says what data is, and how they are read: strictly, whole, with their lines."""
