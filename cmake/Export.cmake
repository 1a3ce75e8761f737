# <build>/hookfleetConfig.cmake: lets programs beside this tree use its libraries by find_package(hookfleet), see examples/custom_handler.
get_property(libraries GLOBAL PROPERTY HOOKFLEET_LIBRARIES)
foreach(library ${libraries})
  set_target_properties(hookfleet_${library} PROPERTIES EXPORT_NAME ${library})
endforeach()
list(TRANSFORM libraries PREPEND hookfleet_)
set_target_properties(hookfleet_settings PROPERTIES EXPORT_NAME settings)
export(TARGETS hookfleet_settings ${libraries} NAMESPACE hookfleet:: FILE "${PROJECT_BINARY_DIR}/hookfleetTargets.cmake")
configure_file("${CMAKE_CURRENT_LIST_DIR}/hookfleetConfig.cmake.in" "${PROJECT_BINARY_DIR}/hookfleetConfig.cmake" @ONLY)
