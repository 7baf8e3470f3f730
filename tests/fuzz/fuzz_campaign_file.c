/* Any bytes as a campaign file: a tree and a struct, or an error with a text. */
#include "cmd/config/campaign.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct campaign_file campaign;
    struct error error = {ERR_NONE, ""};
    struct str source = str_slice((const char *)data, size);
    if (campaign_file_parse(source, STR("fuzz.yaml"), &campaign, &error) == ERR_NONE)
        campaign_file_free(&campaign);
    else
        CHECK(error.code != ERR_NONE && error.text[0] != '\0');
    return 0;
}
