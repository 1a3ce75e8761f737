#pragma once

#include "cli/verb.hpp"

/// Where each verb is defined: cli/<name>_verb.cpp.
namespace hookfleet::cli {

VerbSpec status_verb();
VerbSpec tail_verb();
VerbSpec show_verb();
VerbSpec find_verb();
VerbSpec instances_verb();
VerbSpec news_verb();
VerbSpec dead_letters_list_verb();
VerbSpec dead_letters_show_verb();
VerbSpec dead_letters_redrive_verb();
VerbSpec dead_letters_drop_verb();
VerbSpec dead_letters_export_verb();
VerbSpec route_verb();
VerbSpec alerts_list_verb();
VerbSpec alerts_test_verb();
VerbSpec resume_verb();
VerbSpec log_level_verb();
VerbSpec connect_verb();
VerbSpec doctor_verb();
VerbSpec layout_show_verb();
VerbSpec layout_clear_verb();
VerbSpec config_check_verb();
VerbSpec config_print_verb();
VerbSpec config_reference_verb();
VerbSpec firewall_verb();
VerbSpec simulate_verb();
VerbSpec completion_verb();

}  // namespace hookfleet::cli
