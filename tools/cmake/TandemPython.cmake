# TANDEM_PYTHON=ON builds the Python module (python/bindings) and, since its library is shared, all of src/ as position-independent code.
option(TANDEM_PYTHON "build the Python module, which needs nanobind and Python's headers" OFF)
if(TANDEM_PYTHON)
  set(CMAKE_POSITION_INDEPENDENT_CODE ON)
  # our own calls stay direct, and nothing but the module's entry is exported
  set(CMAKE_CXX_VISIBILITY_PRESET hidden)
  set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
  if(SKBUILD)
    # a wheel is built in an environment of its own, with MuJoCo's headers and library in it
    find_package(Python 3.11 COMPONENTS Interpreter REQUIRED)
    execute_process(COMMAND ${Python_EXECUTABLE} -c "import importlib.util as u; print(u.find_spec('mujoco').submodule_search_locations[0])"
                    OUTPUT_VARIABLE mujoco OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
    set(TANDEM_MUJOCO_DIR ${mujoco} CACHE PATH "folder of the Python package mujoco")
  elseif(NOT Python_EXECUTABLE AND EXISTS ${PROJECT_SOURCE_DIR}/.venv/bin/python)
    set(Python_EXECUTABLE ${PROJECT_SOURCE_DIR}/.venv/bin/python)
  endif()
endif()
