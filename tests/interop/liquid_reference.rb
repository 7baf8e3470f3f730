# Answers cases as `broadside render --batch` does, with Shopify's liquid: a JSON line each.
require "json"
require "liquid"

ENV["TZ"] = "UTC"

# The clock of a case.
class Time
  @case_now = nil
  class << self
    attr_accessor :case_now
    alias_method :clock, :now
    def now(*args, **options)
      case_now ? Time.at(case_now) : clock(*args, **options)
    end
  end
end

class CasePartials
  def initialize(partials)
    @partials = partials
  end

  def read_template_file(name)
    @partials["#{name}.liquid"] || raise(Liquid::FileSystemError, "no #{name}")
  end
end

def answer(line)
  kase = JSON.parse(line)
  Time.case_now = kase["now"]
  lax = kase["mode"] == "lax"
  template = Liquid::Template.parse(kase["template"], error_mode: lax ? :lax : :strict,
                                                    line_numbers: true)
  options = { registers: { file_system: CasePartials.new(kase["partials"] || {}) } }
  render = lax ? :render : :render!
  { id: kase["id"], output: template.public_send(render, kase["data"], options) }
rescue StandardError => error
  { id: kase["id"], error: error.message }
end

puts Liquid::VERSION if ARGV == ["--version"]
STDIN.each_line { |line| puts JSON.generate(answer(line)) } if ARGV.empty?
