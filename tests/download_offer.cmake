# SPDX-License-Identifier: Apache-2.0
# What a packager may say of the model to download, and what is refused with which sentence. Run by ctest:
# cmake -DROOT=<source> -P download_offer.cmake; with CASE set it is one case.
if(CASE)
  include(${ROOT}/ui/download_offer.cmake)
  check_download_offer()
  return()
endif()

string(REPEAT 0123456789abcdef 4 digest)
set(good -DMODEL_DOWNLOAD_URL=https://models.example/a/b.Q4_K_M.gguf -DMODEL_DOWNLOAD_SHA256=${digest}
  -DMODEL_DOWNLOAD_BYTES=1400000000 "-DMODEL_DOWNLOAD_NAME=B with n-gram memory" -DMODEL_DOWNLOAD_LICENCE=Apache-2.0)

# check(<what the message has, "" = accepted> <values, the last of a name holds>...)
function(check expected)
  execute_process(COMMAND ${CMAKE_COMMAND} -DROOT=${ROOT} -DCASE=1 ${ARGN} -P ${CMAKE_CURRENT_LIST_FILE}
    RESULT_VARIABLE code ERROR_VARIABLE said)
  string(REGEX REPLACE "[ \n]+" " " said "${said}")
  string(FIND "${said}" "${expected}" at)
  if((expected STREQUAL "" AND NOT code EQUAL 0) OR (NOT expected STREQUAL "" AND (code EQUAL 0 OR at LESS 0)))
    message(SEND_ERROR "${ARGN}: not \"${expected}\" but ${code} \"${said}\"")
  endif()
endfunction()

check("")
check("" ${good})
check("" ${good} -DMODEL_DOWNLOAD_URL=http://localhost:8080/b.gguf)
check("MODEL_DOWNLOAD_SHA256, MODEL_DOWNLOAD_BYTES is not set" ${good} -DMODEL_DOWNLOAD_SHA256= -DMODEL_DOWNLOAD_BYTES=)
check("is not set" -DMODEL_DOWNLOAD_URL=https://models.example/b.gguf)
check("has to begin with https://" ${good} -DMODEL_DOWNLOAD_URL=http://models.example/b.gguf)
check("has to begin with https://" ${good} -DMODEL_DOWNLOAD_URL=https://user@models.example/b.gguf)
check("has to begin with https://" ${good} -DMODEL_DOWNLOAD_URL=https://models.example/b.gguf?key=1)
check("has to end with the name" ${good} -DMODEL_DOWNLOAD_URL=https://models.example/.gguf)
check("has to end with the name" ${good} -DMODEL_DOWNLOAD_URL=https://models.example/b.bin)
check("64 digits" ${good} -DMODEL_DOWNLOAD_SHA256=${digest}0)
check("64 digits" ${good} -DMODEL_DOWNLOAD_SHA256=ABC)
check("size of the file" ${good} -DMODEL_DOWNLOAD_BYTES=1.4GB)
check("size of the file" ${good} -DMODEL_DOWNLOAD_BYTES=0)
check("quotation mark" ${good} "-DMODEL_DOWNLOAD_NAME=a \"b\"")
