# a training's options, settings, folder and report, which the Python module shares
tandem_library(train_run SOURCES train_options.cpp train_run.cpp train_settings.cpp DEPENDS cli run)
target_compile_options(tandem_train_run PRIVATE ${TANDEM_QUICK_FLAGS})  # as for tandem_cli
# the program behind ./tandem train; the others do without Torch
if(TANDEM_TORCH)
  tandem_library(train SOURCES train.cpp DEPENDS train_run learn)
  add_executable(tandem-train train_main.cpp)
  target_link_libraries(tandem-train PRIVATE tandem_train)
  tandem_compile_options(tandem-train)
  set_target_properties(tandem-train PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
endif()
