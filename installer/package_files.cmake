# SPDX-License-Identifier: Apache-2.0
# What packages hold besides the programs.
set(MNEME_MAINTAINER "The Mneme authors <mneme@localhost.invalid>" CACHE STRING "Who answers for the packages: Name <address>")
set(MNEME_MODEL_FILE "" CACHE FILEPATH "The default model's file, for the package mneme-model-smollm2")
set(MNEME_MODEL_SHA256 "" CACHE STRING "Its digest")
# Packages of one version for several releases of Debian: an update of Debian brings the next.
cmake_host_system_information(RESULT system QUERY DISTRIB_INFO)
set(MNEME_DEBIAN_RELEASE 1~${system_ID}${system_VERSION_ID})

find_package(Python3 REQUIRED COMPONENTS Interpreter)
find_program(RSVG_CONVERT rsvg-convert REQUIRED)
find_program(GZIP gzip REQUIRED)
string(TIMESTAMP epoch "%s" UTC)

# Icons of the sizes that desktops ask for.
set(icon ${CMAKE_SOURCE_DIR}/resources/icons/mneme.svg)
set(icons "")
foreach(size 16 22 24 32 48 64 128 256 512)
  set(png ${DESKTOP}/icons/hicolor/${size}x${size}/apps/${MNEME_APP_ID}.png)
  get_filename_component(folder ${png} DIRECTORY)
  file(MAKE_DIRECTORY ${folder})
  add_custom_command(OUTPUT ${png} COMMAND ${RSVG_CONVERT} -w ${size} -h ${size} -o ${png} ${icon}
    DEPENDS ${icon} VERBATIM COMMENT "icon ${size}")
  list(APPEND icons ${png})
endforeach()
add_custom_target(package_icons DEPENDS ${icons})  # waits for no program
configure_file(${icon} ${DESKTOP}/icons/hicolor/scalable/apps/${MNEME_APP_ID}.svg COPYONLY)

# Man pages and completions, from the programs' own --help.
file(GLOB scripts CONFIGURE_DEPENDS documents/*.py)
add_custom_command(OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/documents
  COMMAND ${CMAKE_COMMAND} -E env SOURCE_DATE_EPOCH=${epoch} ${Python3_EXECUTABLE} -B
    ${CMAKE_CURRENT_SOURCE_DIR}/documents/documents.py ${CMAKE_RUNTIME_OUTPUT_DIRECTORY} ${PROJECT_VERSION} ${CMAKE_CURRENT_BINARY_DIR}
  COMMAND ${CMAKE_COMMAND} -E touch ${CMAKE_CURRENT_BINARY_DIR}/documents
  DEPENDS cli app ${scripts} VERBATIM COMMENT "man pages and completions")
# Share of others in the programs: what is compiled or put into them, not what they find in the system. Their notices are
# those of the Debian packages that they come from.
set(PARTS_OF_OTHERS fonts-inter fonts-jetbrains-mono libcli11-dev nlohmann-json3-dev)
set(MNEME_NOTICES "")
foreach(part ${PARTS_OF_OTHERS})
  file(READ /usr/share/doc/${part}/copyright notice)
  string(APPEND MNEME_NOTICES "\n\n======== ${part} ========\n\n${notice}")
endforeach()

set(bill ${CMAKE_CURRENT_BINARY_DIR}/doc/mneme/sbom.spdx.json)
add_custom_command(OUTPUT ${bill}
  COMMAND ${CMAKE_COMMAND} -E env SOURCE_DATE_EPOCH=${epoch} ${Python3_EXECUTABLE} -B ${CMAKE_CURRENT_SOURCE_DIR}/sbom.py
    ${PROJECT_VERSION} ${bill} --parts ${PARTS_OF_OTHERS} --needed $<TARGET_FILE:cli> $<TARGET_FILE:app>
  DEPENDS cli app sbom.py VERBATIM COMMENT "bill of materials")
install(FILES ${bill} DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/mneme COMPONENT mneme)
add_custom_target(package_files DEPENDS ${CMAKE_CURRENT_BINARY_DIR}/documents ${bill})
add_dependencies(package_files package_icons)

# Each package has its copyright and its list of changes, where Debian wants them.
string(TIMESTAMP MNEME_CHANGE_DATE "%a, %d %b %Y %H:%M:%S +0000" UTC)
foreach(MNEME_PACKAGE mneme mneme-cuda mneme-model-smollm2)
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/doc/${MNEME_PACKAGE})
  configure_file(debian/copyright-${MNEME_PACKAGE}.in ${folder}/copyright @ONLY)
  configure_file(debian/changelog.in ${folder}/changelog @ONLY)
  execute_process(COMMAND ${GZIP} -9nc ${folder}/changelog OUTPUT_FILE ${folder}/changelog.Debian.gz COMMAND_ERROR_IS_FATAL ANY)
  install(FILES ${folder}/copyright ${folder}/changelog.Debian.gz
    DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${MNEME_PACKAGE} COMPONENT ${MNEME_PACKAGE})
endforeach()
# What the program tells where it came from, to say how it is updated; package.sh writes another word for its other kinds.
file(CONFIGURE OUTPUT package CONTENT "deb\n")
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/package DESTINATION ${CMAKE_INSTALL_LIBDIR}/mneme COMPONENT mneme)
install(DIRECTORY ${DESKTOP}/ DESTINATION ${CMAKE_INSTALL_DATADIR} COMPONENT mneme)

if(MNEME_MODEL_FILE)
  install(FILES ${MNEME_MODEL_FILE} DESTINATION ${CMAKE_INSTALL_DATADIR}/mneme/models COMPONENT mneme-model-smollm2
    PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
endif()
