"""Which row of the table of bad input is shown by which tests: `room.module:test`."""

from collections.abc import Mapping

_HERE = "bad_input"
NAMES = f"{_HERE}.test_names_and_versions"
STORAGE = f"{_HERE}.test_storage"
KEYS = f"{_HERE}.test_keys_and_approvals"
LOST = f"{_HERE}.test_lost_server"
TIME = f"{_HERE}.test_time"
SCHEMA = f"{_HERE}.test_schema"
ENVIRONMENT = f"{_HERE}.test_environment"

ROWS: Mapping[int, tuple[str, ...]] = {
    # Text, sizes and secrets, in what is typed beside a decision.
    33: (
        f"{NAMES}:test_text_is_kept_as_it_was_written_and_does_nothing",
        f"{NAMES}:test_a_reason_that_is_no_text_is_refused",
        f"{NAMES}:test_nul_is_refused_by_the_catalog_whatever_the_caller",
        f"{KEYS}:test_an_owner_that_cannot_be_kept_gets_no_key",
    ),
    35: (f"{KEYS}:test_every_verb_refuses_a_reason_that_must_not_or_cannot_be_kept",),
    36: (
        f"{KEYS}:test_a_secret_in_a_reason_is_refused_and_never_told",
        f"{KEYS}:test_every_verb_refuses_a_reason_that_must_not_or_cannot_be_kept",
        f"{KEYS}:test_an_owner_that_cannot_be_kept_gets_no_key",
    ),
    # Files of models.
    41: (
        f"{STORAGE}:test_a_pickle_is_recorded_and_compared_and_never_loaded",
        "artifacts.test_models:test_what_is_no_model_file_is_refused",
    ),
    42: (
        "artifacts.test_models:test_what_is_no_model_file_is_refused",
        "artifacts.test_models:test_a_damaged_model_file_is_an_error_and_never_another_exception",
        "queries.test_verify_files:test_a_stored_file_that_is_altered_or_gone_is_named",
    ),
    44: (
        f"{STORAGE}:test_a_model_file_larger_than_memory_is_stored_checked_and_fetched",
        f"{STORAGE}:test_verify_reads_a_model_file_larger_than_memory",
    ),
    # Where things are kept.
    45: (
        f"{STORAGE}:test_a_decision_that_does_not_fit_on_the_disk_is_not_made",
        f"{STORAGE}:test_on_a_read_only_disk_nothing_is_decided_and_all_can_be_asked",
        f"{STORAGE}:test_a_checkpoint_that_cannot_be_written_is_told",
        f"{STORAGE}:test_an_answer_that_cannot_be_written_is_told",
        "catalog.test_disks:test_a_full_disk_stores_nothing_and_is_told",
        "catalog.test_disks:test_what_permissions_forbid_is_told",
        "artifacts.test_store_faults:test_a_full_disk_is_told_with_what_is_needed_and_nothing_stays",
    ),
    46: ("catalog.test_network_disks:test_on_a_network_disk_nothing_is_written_unless_it_is_meant_so",),
    47: (
        f"{STORAGE}:test_a_writer_that_waits_in_vain_is_told_for_whom",
        "catalog.test_network_disks:test_who_keeps_the_catalog_busy_is_named",
    ),
    48: (
        f"{LOST}:test_a_decision_that_was_lost_says_that_it_may_be_there",
        f"{LOST}:test_an_approval_that_was_lost_says_so_too",
        f"{LOST}:test_a_key_whose_introduction_was_lost_is_kept",
        f"{LOST}:test_a_server_that_goes_away_before_the_commit_has_stored_nothing",
        "catalog.test_postgresql:test_a_writer_waits_for_a_server_that_is_started_again",
    ),
    # Names and versions.
    49: (
        f"{NAMES}:test_a_model_of_no_name_is_not_stored_and_a_name_is_proposed",
        f"{NAMES}:test_a_name_that_only_another_system_reserves_is_a_name",
        "records.test_values:test_a_bad_model_name_is_refused_with_a_good_one",
    ),
    50: (
        f"{NAMES}:test_a_model_that_is_not_there_is_told_with_those_that_are",
        "catalog.test_appending:test_a_name_that_people_would_confuse_is_a_conflict",
    ),
    51: (
        f"{NAMES}:test_a_version_that_is_none_is_told_with_those_that_are",
        f"{NAMES}:test_an_alias_that_could_be_misread_is_refused",
        f"{NAMES}:test_a_version_is_no_model_to_decide_about",
    ),
    52: (f"{NAMES}:test_text_is_kept_as_it_was_written_and_does_nothing",),
    # Time.
    53: (
        f"{TIME}:test_what_is_no_instant_is_refused",
        f"{TIME}:test_what_is_no_instant_is_not_asked_about",
        f"{TIME}:test_an_instant_is_kept_in_utc",
        "records.test_values:test_a_time_without_a_zone_is_refused",
    ),
    54: (
        f"{TIME}:test_a_clock_before_the_previous_entry_is_a_warning",
        "queries.test_verify:test_a_clock_that_was_wrong_is_a_warning",
    ),
    # Schema.
    55: (
        f"{SCHEMA}:test_fields_of_a_newer_schema_are_shown_and_kept",
        f"{SCHEMA}:test_a_record_of_a_newer_format_is_named_and_stops_nobody",
        "records.test_record:test_unknown_fields_survive",
    ),
    56: (
        f"{SCHEMA}:test_a_catalog_of_a_newer_release_can_be_asked_and_not_written",
        "catalog.test_released_schemas:test_a_writer_brings_it_up_to_date_and_changes_no_entry",
        "catalog.test_released_schemas:test_a_migration_that_is_cut_short_leaves_what_was",
        "cli.test_migrate:test_an_older_file_is_brought_up_to_date",
    ),
    57: (
        f"{STORAGE}:test_a_catalog_that_was_cut_off_or_damaged_is_told_and_not_written",
        f"{STORAGE}:test_a_write_ahead_log_that_was_removed_is_told_by_the_anchor",
        f"{STORAGE}:test_what_is_no_catalog_is_told_and_left_alone",
    ),
    58: (
        f"{STORAGE}:test_of_two_catalogs_that_went_on_from_one_the_other_is_a_fork",
        "queries.test_anchors:test_another_log_at_the_same_address_is_found_by_memory",
    ),
    # Runs.
    59: ("catalog.test_appending:test_the_same_run_that_says_something_else_is_a_conflict",),
    60: (
        "catalog.test_unfinished:test_a_later_attempt_fences_an_earlier_one_off",
        "catalog.test_unfinished:test_of_attempts_that_race_only_the_last_commits",
    ),
    # Approvals and keys.
    61: (
        f"{KEYS}:test_who_trained_and_whose_key_was_revoked_approves_nothing",
        "cli.test_approvals:test_an_approval_that_does_not_count_is_named_with_the_reason",
        "cli.test_approvals:test_what_may_not_be_approved_is_told_and_nothing_is_stored",
        "catalog.test_approving:test_an_approval_that_could_never_count_is_refused",
    ),
    62: (
        f"{KEYS}:test_a_file_that_is_no_key_of_ones_own_approves_nothing",
        f"{KEYS}:test_a_key_is_written_over_nothing_and_nowhere_else",
        f"{KEYS}:test_a_key_that_was_meant_and_is_not_named_is_not_replaced_by_another",
        "cli.test_own_keys:test_a_key_file_that_cannot_be_trusted_approves_nothing",
        "cli.test_own_keys:test_a_passphrase_opens_its_key_and_another_does_not",
        "queries.test_verify:test_a_key_that_cannot_be_trusted_signs_nothing",
    ),
    # Signals and surroundings.
    63: (
        f"{ENVIRONMENT}:test_a_decision_that_is_interrupted_is_not_made",
        f"{ENVIRONMENT}:test_a_writer_that_is_interrupted_loses_nothing_that_it_was_told",
        f"{ENVIRONMENT}:test_a_connection_is_not_shared_over_a_fork",
    ),
    64: (
        f"{ENVIRONMENT}:test_the_answer_is_the_same_everywhere",
        f"{ENVIRONMENT}:test_the_answer_is_the_same_in_isolation",
        f"{ENVIRONMENT}:test_no_check_goes_away_with_its_assertions",
        f"{ENVIRONMENT}:test_an_assertion_only_tells_the_type_checker",
        f"{ENVIRONMENT}:test_files_are_their_owners_alone_whatever_the_umask",
        f"{ENVIRONMENT}:test_a_folder_that_was_removed_is_told",
        f"{ENVIRONMENT}:test_an_account_without_a_name_decides_nothing",
    ),
}
"""Rows 45 to 64 whole; of the others what concerns storage, and what is typed beside a decision."""
