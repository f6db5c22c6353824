# find_package(rpa_openapi CONFIG REQUIRED), then target_link_libraries(program rpa_openapi::rpa_openapi).
# The same file for the archive of Windows (x64 and x86 side by side) and for that of Linux.
get_filename_component(_rpa_openapi_root "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

if(NOT TARGET rpa_openapi::rpa_openapi)
  add_library(rpa_openapi::rpa_openapi SHARED IMPORTED)
  set_target_properties(rpa_openapi::rpa_openapi PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${_rpa_openapi_root}/include")
  if(WIN32)
    if(CMAKE_SIZEOF_VOID_P EQUAL 8)
      set(_rpa_openapi_folder "${_rpa_openapi_root}/x64")
    else()
      set(_rpa_openapi_folder "${_rpa_openapi_root}/x86")
    endif()
    if(MSVC)
      set(_rpa_openapi_import "${_rpa_openapi_folder}/rpa_openapi.lib")
    else()
      set(_rpa_openapi_import "${_rpa_openapi_folder}/rpa_openapi.dll.a")
    endif()
    set_target_properties(rpa_openapi::rpa_openapi PROPERTIES
      IMPORTED_LOCATION "${_rpa_openapi_folder}/rpa_openapi.dll"
      IMPORTED_IMPLIB "${_rpa_openapi_import}")
    unset(_rpa_openapi_folder)
    unset(_rpa_openapi_import)
  else()
    set_target_properties(rpa_openapi::rpa_openapi PROPERTIES
      IMPORTED_LOCATION "${_rpa_openapi_root}/lib/librpa_openapi.so.@VERSION@"
      IMPORTED_SONAME "librpa_openapi.so.@SERIES@")
  endif()
endif()
unset(_rpa_openapi_root)
