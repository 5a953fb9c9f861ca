//! The bot's own database: the same tests on SQLite and on PostgreSQL, from one list. What only one of them can have
//! stands in `store/file.rs`.

mod alerts;
mod backup;
mod command;
mod database;
mod deliveries;
mod file;
mod intake;
mod leases;
mod links;
mod locks;
mod messages;
mod opening;
mod record;
mod retention;
mod runs;
mod versions;

/// One list, two databases.
macro_rules! on_both {
    ($($file:ident::$test:ident,)*) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $test() {
                    super::$file::$test(super::database::Database::sqlite()).await;
                }
            )*
        }
        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $test() {
                    super::$file::$test(super::database::Database::postgres().await).await;
                }
            )*
        }
    };
}

on_both! {
    opening::begins_empty_and_keeps_what_it_has,
    opening::many_may_open_a_new_one_at_once,
    opening::a_later_schema_is_left_alone,
    opening::a_schema_version_that_is_no_number_is_told,
    versions::a_database_of_version_1_is_taken_over,
    versions::a_database_of_version_2_is_taken_over,
    versions::a_database_of_version_3_is_taken_over,
    versions::a_database_of_version_4_is_taken_over,
    versions::a_process_of_version_3_works_on_beside_the_new_schema,
    versions::a_later_schema_that_lets_this_version_work_is_opened,
    backup::a_backup_taken_while_runs_are_written_goes_on_elsewhere,
    deliveries::the_same_delivery_twice_is_one_request,
    deliveries::a_batch_is_stored_in_one_go,
    deliveries::bytes_that_no_database_takes_harm_only_themselves,
    deliveries::a_token_stands_nowhere_in_the_open,
    deliveries::a_token_is_good_for_five_uses,
    deliveries::a_token_dies_after_thirty_minutes,
    deliveries::two_takers_never_get_the_same_request,
    deliveries::an_unanswered_request_is_taken_again_after_its_time,
    deliveries::an_answer_stays_what_it_was,
    runs::a_new_run_answers_its_request,
    runs::one_request_becomes_one_run,
    runs::only_one_of_many_writers_gets_a_place_in_the_journal,
    runs::a_stale_epoch_is_fenced,
    runs::a_claim_runs_out_and_is_taken_over,
    runs::a_run_may_be_claimed_as_it_is_written,
    runs::a_steady_run_grows_and_is_fenced_as_any,
    runs::each_change_is_found_by_looking_back_by_the_blur,
    runs::a_claim_is_renewed_until_it_is_taken_over,
    runs::a_claim_is_renewed_by_a_clock_that_was_set_back,
    runs::a_clock_that_was_set_back_keeps_nothing_waiting,
    runs::a_claim_is_given_back_with_a_write,
    runs::of_many_writes_at_once_each_stands_by_itself,
    runs::many_claimers_share_the_runs,
    runs::a_run_is_read_whole_while_it_is_written,
    runs::writers_that_are_cut_off_leave_no_half_write,
    locks::of_many_takers_one_gets_the_key,
    locks::many_keys_are_all_or_nothing,
    locks::shared_holders_share_and_keep_others_out,
    locks::overlapping_keys_in_any_order_block_nobody,
    locks::a_write_that_gets_no_lock_leaves_nothing,
    locks::unlocking_tells_who_held_it,
    messages::ten_changes_cost_one_sending,
    messages::a_change_during_the_sending_keeps_it_due,
    messages::a_thread_waits_for_its_beginning,
    messages::a_lost_post_is_posted_anew,
    messages::a_change_does_not_hurry_a_message_that_waits,
    messages::a_message_given_up_is_left_alone,
    messages::a_message_given_up_is_tried_again_when_its_run_closes,
    messages::replies_do_not_wait_for_ever,
    messages::what_a_later_version_wants_sent_is_left_to_it,
    messages::of_many_senders_one_gets_a_message,
    messages::a_post_is_begun_by_whoever_has_the_message,
    messages::a_doubt_lasts_until_it_is_settled,
    messages::a_clock_that_is_set_back_keeps_no_message_waiting,
    messages::no_place_takes_all_the_turns,
    messages::what_failed_is_hurried_and_what_was_kept_back_is_not,
    messages::a_platform_fails_once_and_works_once,
    alerts::the_same_notification_twice_is_one_group_and_one_message,
    alerts::of_many_that_take_the_same_in_at_once_one_begins_the_group,
    alerts::what_was_told_to_be_given_up_is_not_kept,
    alerts::beyond_a_number_groups_are_told_together,
    alerts::a_group_goes_by_its_age_with_its_messages,
    alerts::a_chart_is_promised_only_where_the_group_is_shown,
    alerts::what_an_alert_asks_for_is_kept_with_it_and_asked_once,
    alerts::of_many_that_are_told_the_same_one_asks,
    alerts::a_run_is_its_alerts_as_it_is_written,
    leases::one_owner_at_a_time,
    leases::of_many_askers_one_leads,
    leases::a_pause_covers_one_or_all,
    leases::the_record_is_read_newest_first,
    links::a_code_joins_one_account_once_and_stands_nowhere,
    links::a_code_is_spent_by_whatever_comes_of_it,
    links::too_many_wrong_codes_are_not_looked_at,
    links::of_many_who_bring_a_code_one_is_joined,
    links::what_is_taken_away_is_told_and_stands_in_the_record,
    links::of_two_readings_the_later_one_is_kept,
    record::many_writers_of_one_chain_leave_no_gap,
    record::what_nobody_touched_is_proved,
    record::whatever_is_done_to_a_row_is_found_and_named,
    record::a_chain_that_was_written_anew_is_found_by_its_seals,
    record::a_row_that_was_put_in_later_is_known_by_its_time,
    record::whatever_is_done_to_the_seals_is_found_and_named,
    record::a_seal_that_the_database_never_heard_of_is_no_harm,
    record::a_line_that_was_cut_off_is_written_anew,
    record::of_two_that_seal_at_once_one_is_turned_back,
    record::a_file_that_cannot_take_the_seal_is_named_and_the_rows_wait,
    record::the_seals_of_another_database_are_left_alone,
    record::a_new_file_goes_on_where_the_old_one_ended,
    record::a_great_many_rows_are_sealed_in_several_steps,
    record::what_was_explained_counts_no_more_and_stays_to_be_seen,
    record::the_record_is_given_in_the_order_of_its_times,
    retention::a_run_that_is_over_goes_whole,
    retention::a_run_that_is_not_over_stays,
    retention::requests_deliveries_answers_and_sign_ins_go_by_their_own_age,
    retention::for_ever_is_for_ever,
    retention::the_record_is_pruned_by_sealed_pieces_and_still_proved,
    retention::a_chain_that_went_whole_may_begin_again,
    retention::what_a_crash_left_of_the_pruning_is_no_finding,
    retention::what_was_tampered_with_is_not_pruned,
    retention::only_one_of_all_prunes,
}
