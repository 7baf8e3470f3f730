#include "cmd/media_type.h"

struct str media_type_of(struct str file_name)
{
    static const struct {
        const char *suffix, *type;
    } types[] = {
        {"pdf", "application/pdf"},
        {"png", "image/png"},
        {"jpg", "image/jpeg"},
        {"jpeg", "image/jpeg"},
        {"gif", "image/gif"},
        {"webp", "image/webp"},
        {"svg", "image/svg+xml"},
        {"ics", "text/calendar"},
        {"vcf", "text/vcard"},
        {"txt", "text/plain"},
        {"csv", "text/csv"},
        {"html", "text/html"},
        {"htm", "text/html"},
        {"json", "application/json"},
        {"xml", "application/xml"},
        {"zip", "application/zip"},
        {"gz", "application/gzip"},
        {"doc", "application/msword"},
        {"xls", "application/vnd.ms-excel"},
        {"docx",
         "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
        {"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
        {"pptx",
         "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
        {"odt", "application/vnd.oasis.opendocument.text"},
        {"mp3", "audio/mpeg"},
        {"mp4", "video/mp4"},
    };
    struct str suffix = file_name;
    while (suffix.n > 0 && memchr(suffix.p, '.', suffix.n) != NULL)
        (void)str_split(suffix, '.', &suffix);
    if (suffix.n < file_name.n) {
        for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
            if (str_equal_nocase(str_of(types[i].suffix), suffix))
                return str_of(types[i].type);
        }
    }
    return STR("application/octet-stream");
}
