//! The bot's own database: the same tests on SQLite and on PostgreSQL, from one list. What only one of them can have
//! stands in `store/file.rs`.

mod database;
mod deliveries;
mod file;
mod leases;
mod locks;
mod messages;
mod opening;
mod runs;

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
    runs::a_claim_is_renewed_until_it_is_taken_over,
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
    leases::one_owner_at_a_time,
    leases::of_many_askers_one_leads,
    leases::a_pause_covers_one_or_all,
    leases::the_record_is_read_newest_first,
}
