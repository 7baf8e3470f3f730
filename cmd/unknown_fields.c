#include "cmd/unknown_fields.h"

#include "core/base/log.h"

struct seeker {
    const struct content *content;
    unknown_field_each *each;
    void *self;
    /* The template at hand, and what was reported of it. */
    struct str where;
    struct str names[UNKNOWN_FIELDS_MAX];
    size_t first, count;
};

static bool is_known(const struct content *content, struct str name)
{
    static const struct str reserved[] = {
        {"email", 5}, {"recipient", 9}, {"list_name", 9}, {"campaign_name", 13}};
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
        if (str_equal(reserved[i], name))
            return true;
    }
    for (size_t i = 0; i < content->columns.n; i++) {
        if (str_equal(content->columns.p[i], name))
            return true;
    }
    return content->data != NULL && value_member(content->data, name) != NULL;
}

static const char *field_why(struct str name)
{
    /* Reserved for the links of an unsubscribe server that is not there yet. */
    if (str_equal(name, STR("unsubscribe_url")))
        return "it has no value yet: give the list a column or the data file a member "
               "of that name";
    return "neither the list nor the data file has it";
}

static void report(struct seeker *seeker, const struct unknown_name *unknown)
{
    if (seeker->count == UNKNOWN_FIELDS_MAX)
        return;
    for (size_t i = seeker->first; i < seeker->count; i++) {
        if (str_equal(seeker->names[i], unknown->name))
            return;
    }
    seeker->names[seeker->count++] = unknown->name;
    seeker->each(seeker->self, unknown);
}

static void look_at_read(void *self, struct str name, unsigned line, unsigned column)
{
    struct seeker *seeker = self;
    if (is_known(seeker->content, name))
        return;
    report(seeker, &(struct unknown_name){.where = seeker->where,
                                          .name = name,
                                          .line = line,
                                          .column = column,
                                          .why = field_why(name)});
}

static void look_at_filter(void *self, struct str name, unsigned line, unsigned column)
{
    struct seeker *seeker = self;
    report(seeker, &(struct unknown_name){.where = seeker->where,
                                          .name = name,
                                          .line = line,
                                          .column = column,
                                          .why = "no filter is called that; what is "
                                                 "before it is printed as it is"});
}

static void look_at(struct seeker *seeker, const struct template *template,
                    struct str where)
{
    if (template == NULL)
        return;
    seeker->where = where;
    seeker->first = seeker->count;
    template_reads(template, seeker, look_at_read);
    template_unknown_filters(template, seeker, look_at_filter);
}

void unknown_fields(const struct content *content, unknown_field_each *each, void *self)
{
    const struct campaign_file *campaign = content->campaign;
    struct seeker seeker = {.content = content, .each = each, .self = self};
    look_at(&seeker, content->where, STR("where"));
    look_at(&seeker, content->subject, STR("subject"));
    for (size_t i = 0; i < campaign->header_count; i++)
        look_at(&seeker, content->headers[i], campaign->headers[i].name);
    look_at(&seeker, content->html, campaign->html);
    /* A text made from the HTML reads what that reads. */
    if (campaign->text.n > 0)
        look_at(&seeker, content->text, campaign->text);
}

static void warn(void *self, const struct unknown_name *unknown)
{
    (void)self;
    log_line(LOG_WARN, "unknown-field", "%.*s:%u:%u: %.*s: %s", STR_ARG(unknown->where),
             unknown->line, unknown->column, STR_ARG(str_head(unknown->name, 100)),
             unknown->why);
}

void unknown_fields_warn(const struct content *content)
{
    unknown_fields(content, warn, NULL);
}
