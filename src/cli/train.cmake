# the program behind ./tandem train; the others do without Torch
if(TANDEM_TORCH)
  tandem_library(train SOURCES train.cpp train_settings.cpp DEPENDS cli learn)
  add_executable(tandem-train train_main.cpp)
  target_link_libraries(tandem-train PRIVATE tandem_train)
  tandem_compile_options(tandem-train)
  set_target_properties(tandem-train PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
endif()
