# SPDX-License-Identifier: Apache-2.0
# CPack's settings: Debian packages, and NSIS for Windows, which nobody has tried: there is no Windows build yet.
set(CPACK_PACKAGE_NAME mneme)
set(CPACK_PACKAGE_VENDOR "The Mneme authors")
set(CPACK_PACKAGE_CONTACT "${MNEME_MAINTAINER}")
set(CPACK_PACKAGE_HOMEPAGE_URL "${MNEME_HOMEPAGE}")
set(CPACK_COMPONENTS_ALL mneme)
if(TARGET mneme_cuda)
  list(APPEND CPACK_COMPONENTS_ALL mneme-cuda)
endif()
if(MNEME_MODEL_FILE)
  list(APPEND CPACK_COMPONENTS_ALL mneme-model-smollm2)
endif()
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
  WORLD_READ WORLD_EXECUTE)
set(CPACK_OUTPUT_FILE_PREFIX ${CMAKE_BINARY_DIR}/packages)
set(CPACK_THREADS 0)

set(text_mneme
"Mneme runs language models on this computer and shows how an Engram memory,
tables of n-grams on the drive, takes part in each word of an answer: which
n-grams were looked up, how far the gates opened, and where the rows came
from. It has a window and a program for the terminal, mneme-cli.
${MNEME_CONNECTIONS}")
file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/description "${text_mneme}\n")  # rpm/mneme.spec reads it
set(text_mneme-cuda
"This package lets Mneme use NVIDIA graphics cards through CUDA. It needs
NVIDIA's driver, which is looked for when the program runs; without it Mneme
uses the processor or Vulkan.")
set(text_mneme-model-smollm2
"This is SmolLM2-135M-Instruct with weights in Q4_1, the model that Mneme opens
when no other was chosen. It is small enough for any computer, and its answers
are those of a small model.")
set(title_mneme "chat with language models that have a memory")
set(title_mneme-cuda "CUDA module of Mneme")
set(title_mneme-model-smollm2 "default language model of Mneme")

# Debian. Plugins of Qt are not seen by dpkg-shlibdeps.
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE ${MNEME_DEBIAN_RELEASE})
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
foreach(package ${CPACK_COMPONENTS_ALL})
  string(TOUPPER ${package} PACKAGE)
  set(CPACK_DEBIAN_${PACKAGE}_PACKAGE_NAME ${package})
  set(CPACK_COMPONENT_${PACKAGE}_DESCRIPTION "${title_${package}}\n${text_${package}}")
endforeach()
set(CPACK_DEBIAN_MNEME_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_MNEME_PACKAGE_DEPENDS "libqt6svg6, qt6-qpa-plugins")
if(MODEL_DOWNLOAD_URL)
  string(APPEND CPACK_DEBIAN_MNEME_PACKAGE_DEPENDS ", ca-certificates")
endif()
set(CPACK_DEBIAN_MNEME_PACKAGE_RECOMMENDS
  "mneme-model-smollm2, qt6-wayland, fonts-noto-core, fonts-noto-cjk, fonts-noto-color-emoji, libvulkan1, mesa-vulkan-drivers")
set(CPACK_DEBIAN_MNEME_PACKAGE_SUGGESTS mneme-cuda)
set(CPACK_DEBIAN_MNEME-CUDA_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_MNEME-CUDA_PACKAGE_SECTION non-free/science)
set(CPACK_DEBIAN_MNEME-CUDA_PACKAGE_DEPENDS "mneme (= ${PROJECT_VERSION}-${MNEME_DEBIAN_RELEASE})")
set(CPACK_DEBIAN_MNEME-MODEL-SMOLLM2_PACKAGE_ARCHITECTURE all)

# Windows. Untried.
set(CPACK_NSIS_DISPLAY_NAME Mneme)
set(CPACK_NSIS_PACKAGE_NAME Mneme)
set(CPACK_NSIS_ENABLE_UNINSTALL_BEFORE_INSTALL ON)
set(CPACK_NSIS_EXECUTABLES_DIRECTORY ${CMAKE_INSTALL_BINDIR})
set(CPACK_NSIS_URL_INFO_ABOUT "${MNEME_HOMEPAGE}")
set(CPACK_PACKAGE_EXECUTABLES mneme Mneme)
set(CPACK_RESOURCE_FILE_LICENSE ${CMAKE_SOURCE_DIR}/LICENSE)
include(CPack)
