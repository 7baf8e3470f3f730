#include "cmd/campaign_now.h"

enum err campaign_file_now(const struct campaign *campaign, const char *settings_path,
                           struct campaign_file *file)
{
    struct error ignored;
    if (campaign->path.n == 0)
        return ERR_NO_INPUT;
    if (campaign_file_load(campaign->path.p, settings_path, file, &ignored) == ERR_NONE)
        return ERR_NONE;
    return campaign_file_parse(campaign->settings, campaign->path, file, &ignored);
}
