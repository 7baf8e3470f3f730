#include "cmd/check_print.h"

#include "cmd/json_out.h"

static void print_samples(const struct survey_samples *samples)
{
    for (size_t i = 0; i < samples->n; i++)
        (void)printf(" %.*s", STR_ARG(samples->p[i].address));
    (void)putchar('\n');
}

static void print_bodies(const struct survey *survey)
{
    if (survey->body_sharers == 0)
        return;
    (void)printf("identical: %llu of %llu recipients get the same body as somebody "
                 "else, the most alike are %llu, such as",
                 (unsigned long long)survey->body_sharers,
                 (unsigned long long)survey->bodies_compared,
                 (unsigned long long)survey->body_sharers_most);
    print_samples(&survey->body_samples);
}

/* The smallest and the largest; said once where they are the same. */
static void print_sizes(const struct survey *survey)
{
    (void)printf("messages of %llu", (unsigned long long)survey->smallest);
    if (survey->smallest < survey->largest)
        (void)printf(" (%.*s) to %llu", STR_ARG(survey->smallest_of.address),
                     (unsigned long long)survey->largest);
    (void)printf(" bytes (%.*s), subjects of %zu", STR_ARG(survey->largest_of.address),
                 survey->subject_shortest);
    if (survey->subject_shortest < survey->subject_longest)
        (void)printf(" to %zu", survey->subject_longest);
    (void)puts(" characters");
}

static void print_head(const struct opened *opened, const struct survey *survey)
{
    (void)printf(
        "%.*s: %llu recipients of %.*s: %llu rendered, %llu left out by where, "
        "%llu suppressed, %llu invalid, in %.1f s\n",
        STR_ARG(opened->file.name), (unsigned long long)survey->recipients,
        STR_ARG(opened->list.name), (unsigned long long)survey->rendered,
        (unsigned long long)survey->left_out, (unsigned long long)survey->suppressed,
        (unsigned long long)survey->invalid, survey->elapsed_s);
    if (survey->rendered > 0)
        print_sizes(survey);
}

static void print_missing(const struct survey *survey)
{
    for (size_t i = 0; i < survey->missing_count; i++) {
        const struct survey_missing *missing = &survey->missing[i];
        (void)printf("missing: %.*s:%u:%u: %.*s: %llu recipients, such as",
                     STR_ARG(missing->where), missing->line, missing->column,
                     STR_ARG(missing->name), (unsigned long long)missing->count);
        print_samples(&missing->samples);
    }
}

static void print_invalid(const struct survey *survey)
{
    for (size_t i = 0; i < survey->invalid_count; i++)
        (void)printf("invalid: %.*s: %.*s\n", STR_ARG(survey->invalid_rows[i].address),
                     STR_ARG(survey->invalid_rows[i].why));
    if (survey->invalid > survey->invalid_count)
        (void)printf("invalid: and %llu more\n",
                     (unsigned long long)(survey->invalid - survey->invalid_count));
}

void check_print_text(const struct check_result *result)
{
    print_head(result->opened, &result->survey);
    print_missing(&result->survey);
    print_bodies(&result->survey);
    print_invalid(&result->survey);
    spam_lint_print(&result->lint);
    for (size_t i = 0; i < result->warnings.n; i++)
        (void)printf("warning: %s\n", result->warnings.text[i]);
}

static void set_count(json_t *object, const char *key, uint64_t value)
{
    json_object_set_new(object, key, json_integer((json_int_t)value));
}

static json_t *samples_json(const struct survey_samples *samples)
{
    json_t *array = json_array();
    for (size_t i = 0; i < samples->n; i++)
        json_array_append_new(array, json_out_str(samples->p[i].address));
    return array;
}

/* null for a template that is the same for everybody. */
static json_t *bodies_json(const struct survey *survey)
{
    if (!survey->is_personal)
        return json_null();
    json_t *entry = json_object();
    set_count(entry, "compared", survey->bodies_compared);
    set_count(entry, "different", survey->bodies_different);
    set_count(entry, "recipients", survey->body_sharers);
    set_count(entry, "most_alike", survey->body_sharers_most);
    json_object_set_new(entry, "samples", samples_json(&survey->body_samples));
    return entry;
}

static json_t *missing_json(const struct survey_missing *missing)
{
    json_t *entry = json_object();
    json_object_set_new(entry, "template", json_out_str(missing->where));
    set_count(entry, "line", missing->line);
    set_count(entry, "column", missing->column);
    json_object_set_new(entry, "field", json_out_str(missing->name));
    set_count(entry, "recipients", missing->count);
    json_object_set_new(entry, "samples", samples_json(&missing->samples));
    return entry;
}

/* As KEY, the places in the worst message; as messages_with_KEY, how many. */
static void set_fault(json_t *object, const char *key, const struct survey_fault *fault)
{
    char messages[64];
    (void)snprintf(messages, sizeof(messages), "messages_with_%s", key);
    set_count(object, key, fault->places_max);
    set_count(object, messages, fault->messages);
}

/* What the HTML was looked at for; of places the worst message counts. */
static json_t *html_json(const struct survey *survey)
{
    json_t *entry = json_object();
    set_count(entry, "looked_at", survey->linted);
    set_count(entry, "without_unsubscribe_link",
              survey->linted - survey->with_unsubscribe_link);
    set_fault(entry, "http_links", &survey->http_links);
    set_fault(entry, "dead_links", &survey->dead_links);
    set_fault(entry, "images_without_alt", &survey->images_without_alt);
    return entry;
}

/* References to images that travel with the message, and those that have none. */
static json_t *inline_json(const struct content *content, const struct survey *survey)
{
    const struct str_list *files = &content->campaign->inline_files;
    json_t *entry = json_object(), *unused = json_array();
    set_fault(entry, "unknown_cids", &survey->unknown_cids);
    for (size_t i = 0; i < files->n && i < CONTENT_FILE_COUNT; i++) {
        if (!survey->inline_used[i])
            json_array_append_new(unused, json_out_str(files->p[i]));
    }
    json_object_set_new(entry, "unused", unused);
    return entry;
}

static json_t *text_json(const struct survey *survey)
{
    json_t *entry = json_object();
    set_count(entry, "looked_at", survey->texts);
    set_count(entry, "without_unsubscribe_link",
              survey->texts - survey->texts_with_unsubscribe);
    return entry;
}

static json_t *invalid_json(const struct survey_invalid *invalid)
{
    json_t *entry = json_object();
    json_object_set_new(entry, "address", json_out_str(invalid->address));
    json_object_set_new(entry, "why", json_out_str(invalid->why));
    return entry;
}

static void set_sizes(json_t *result, const struct survey *survey)
{
    set_count(result, "smallest_bytes", survey->smallest);
    json_object_set_new(result, "smallest_address",
                        json_out_str(survey->smallest_of.address));
    set_count(result, "largest_bytes", survey->largest);
    json_object_set_new(result, "largest_address",
                        json_out_str(survey->largest_of.address));
    set_count(result, "subject_shortest", survey->subject_shortest);
    set_count(result, "subject_longest", survey->subject_longest);
    set_count(result, "over_102400_bytes", survey->clipped);
    set_count(result, "subjects_empty", survey->subjects_empty);
}

static void set_counts(json_t *result, const struct survey *survey)
{
    set_count(result, "recipients", survey->recipients);
    set_count(result, "rendered", survey->rendered);
    set_count(result, "left_out", survey->left_out);
    set_count(result, "suppressed", survey->suppressed);
    set_count(result, "invalid", survey->invalid);
}

void check_print_json(const struct check_result *of)
{
    const struct survey *survey = &of->survey;
    json_t *result = json_object(), *missing = json_array(), *invalid = json_array(),
           *warnings = json_array();
    for (size_t i = 0; i < survey->missing_count; i++)
        json_array_append_new(missing, missing_json(&survey->missing[i]));
    for (size_t i = 0; i < survey->invalid_count; i++)
        json_array_append_new(invalid, invalid_json(&survey->invalid_rows[i]));
    for (size_t i = 0; i < of->warnings.n; i++)
        json_array_append_new(warnings, json_out_str(str_of(of->warnings.text[i])));
    json_object_set_new(result, "campaign", json_out_str(of->opened->file.name));
    json_object_set_new(result, "list", json_out_str(of->opened->list.name));
    set_counts(result, survey);
    set_sizes(result, survey);
    set_count(result, "without_unsubscribe_header",
              survey->rendered - survey->with_unsubscribe_header);
    json_object_set_new(result, "html", html_json(survey));
    json_object_set_new(result, "text", text_json(survey));
    json_object_set_new(result, "inline", inline_json(of->opened->content, survey));
    json_object_set_new(result, "identical_bodies", bodies_json(survey));
    json_object_set_new(result, "lint", spam_lint_json(&of->lint));
    json_object_set_new(result, "missing", missing);
    json_object_set_new(result, "invalid_rows", invalid);
    json_object_set_new(result, "warnings", warnings);
    json_object_set_new(result, "elapsed_s", json_real(survey->elapsed_s));
    json_out_document(stdout, result);
}
