/*
 * campaign_now.h - the campaign file of a campaign that is in the database
 *
 * As it stands on the disk now, merged with the settings file; if it is gone or broken,
 * the text that was stored at launch. For showing things about a campaign, and what it
 * decides about those in doubt; never for sending it.
 *
 * Thread:  main.
 * Errors:  ERR_CONFIG, ERR_NO_INPUT: neither can be read.
 */
#ifndef BROADSIDE_CMD_CAMPAIGN_NOW_H
#define BROADSIDE_CMD_CAMPAIGN_NOW_H

#include "cmd/config/campaign.h"
#include "storage/campaigns.h"

/* `settings_path` as --config has it. *file is the caller's to free. */
MUST_CHECK enum err campaign_file_now(const struct campaign *campaign,
                                      const char *settings_path,
                                      struct campaign_file *file);

#endif
